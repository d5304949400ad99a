/** The section of docs/benchmarks.md about other engines. */
import { readFileSync } from "node:fs";
import type { Measurement } from "../../../plugins/cli/measure.ts";
import { type Machine, measuredOn } from "../page.ts";
import { time } from "../rounds.ts";
import { ENGINES, type EngineName, OTHERS, OURS, type Race } from "./contenders.ts";

export type Figures = Readonly<
  Record<EngineName, { readonly ready: Measurement; readonly whole: Measurement }>
>;

export interface Results {
  readonly scenarios: readonly {
    readonly race: Race;
    readonly found: Figures;
    readonly bytes: Readonly<Record<EngineName, number>>;
  }[];
  readonly leafTests: readonly { readonly name: string; readonly ns: number }[];
  readonly machine: Machine;
  readonly options: { readonly rounds: number; readonly roundMs: number; readonly warmUpMs: number };
}

export function page({ scenarios, leafTests, machine, options }: Results): string {
  return `${scenarios.map(section).join("\n")}
## One more leaf test

Of our interpreter: a policy with 36 tests that all hold beside one with 4, the difference divided by 32.

| test | time |
| --- | ---: |
${leafTests.map(({ name, ns }) => `| ${name} | ${ns.toFixed(1)} ns |`).join("\n")}

## Method

- ${measuredOn(machine)} One thread.
- Before anything is measured all engines decide about all requests; one that decides otherwise than ours ends the run.
- A call decides about all requests of the scenario. ${options.rounds} rounds of about ${options.roundMs} ms each, after ${options.warmUpMs} ms of warm-up; in a round every engine has
  its turn in both ways, beginning with another one each time. Times are medians of the rounds, divided by the number of requests; the spread is the
  share of the median within which half of the rounds lie.
- *Facts ready*: our slots are loaded, the others have their input as the objects that they take. *From the request*: from the neutral
  request, as hosts hand it over, with its body as bytes. Ours checks all of it (docs/request.md); for the others a few lines without a check find the
  resource, the header and the body's members.
- *Bytes*: growth of the JavaScript heap by one decision, facts ready, in a process of its own that collects nothing meanwhile, the least of eight rounds.
  A wasm module's own memory is not in it.
- *Leaf tests* are those that the code runs to decide, an element's tests once for each element.
- ${versions()}
- What each engine can do is done in it: CEL's expression is parsed and planned before, JSON Logic's rule built into a function, Cedar's policies parsed, casbin's
  model and rules loaded and asked without promises. Cedar and casbin cannot count the elements of a list by a condition: a function in JavaScript counts them,
  for Cedar before the facts are ready, for casbin as a function of the matcher.
- Cedar takes a request with its entities, here the user and its role, as objects that are copied into its module: that is part of its time.
- json-logic-engine turns a rule into JavaScript (\`eval\`), which V8 compiles; ours interprets bytecode, and makes no code at run time.
- The others answer yes or no, Cedar with the policies that said so. Ours answers with the policy, the reason and what the host must do.
`;
}

function section({ race, found, bytes }: Results["scenarios"][number]): string {
  const own = found[OURS];
  const tests = race.leafTests / race.requests;
  const row = (name: EngineName): string => {
    const { ready, whole } = found[name];
    const cells = [
      name === OURS ? `**${name}**` : `\`${name}\``,
      time(ready.median),
      ratio(ready, own.ready),
      percent(ready),
      time(whole.median),
      ratio(whole, own.whole),
      percent(whole),
      bytesText(bytes[name]),
    ];
    return `| ${cells.join(" | ")} |`;
  };
  return `## ${race.name[0]!.toUpperCase()}${race.name.slice(1)}

${race.about} ${race.requests} requests, ${race.allowed} of them allowed.

| engine | facts ready | of ours | spread | from the request | of ours | spread | bytes |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${ENGINES.map(row).join("\n")}

Ours runs ${tests.toFixed(1)} leaf tests a decision: ${(own.ready.median / tests).toFixed(1)} ns for each, everything else of a decision included.
Quicker than ours with the facts ready: ${quicker(found, "ready")}; from the request: ${quicker(found, "whole")}.
`;
}

/** By the ratios as the table shows them: 1.0 is not quicker. */
function quicker(found: Figures, way: "ready" | "whole"): string {
  const names = OTHERS.filter((name) => Number(ratio(found[name][way], found[OURS][way])) < 1);
  return names.length === 0 ? "none" : names.map((name) => `\`${name}\``).join(", ");
}

function ratio(one: Measurement, own: Measurement): string {
  return (one.median / own.median).toFixed(1);
}

function percent({ spread }: Measurement): string {
  return `${(spread * 100).toFixed(0)} %`;
}

/** Less than one byte is the runtime's own work, not the engine's. */
function bytesText(bytes: number): string {
  return bytes < 1 ? "0" : Math.round(bytes).toLocaleString("en");
}

/** The versions of the other engines, from the lines that pin them. */
function versions(): string {
  const { devDependencies } = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  ) as { devDependencies: Record<string, string> };
  return `Versions: ${OTHERS.map((name) => `${name} ${devDependencies[name]}`).join(", ")}.`;
}
