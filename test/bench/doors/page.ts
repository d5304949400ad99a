/** The section of docs/benchmarks.md about the doors. */
import { type Machine, measuredOn } from "../page.ts";
import { time } from "../rounds.ts";
import { EVALUATIONS, POLICY } from "./asked.ts";
import type { DoorFigures, DoorsOptions } from "./measure.ts";

export interface Results {
  readonly doors: readonly DoorFigures[];
  readonly machine: Machine;
  readonly options: DoorsOptions;
}

export function section({ doors, machine, options }: Results): string {
  return `## Doors

What a check costs the server, by the door at which it is asked. \`ipe serve\` as an operator starts it, one bundle, one request, which is allowed and gets a header;
beside each door a server of the same kind, which reads as much and answers the same bytes without a look at what it is asked.

| door | CPU a check | a constant answer | of it | spread | above it | checks a second | of a constant's |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${doors.map(row).join("\n")}

### Method of the doors

- ${measuredOn(machine)}
- CPU time, user and system, of the server's whole process, as it says itself. ${options.connections} connections, each with one request at a time; in the first line ${options.connections} calls share
  one connection, as those of an Envoy's worker do.
- *Checks a second* are those of one client process and one server process on the same cores. Over gRPC grpc-js' client takes more than the server; over HTTP the client
  writes bytes that are made once, and takes less.
- ${doors[0]!.rounds} rounds of ${options.checks.toLocaleString("en")} checks for each server, after ${options.warmUpMs} ms of warm-up each; ours and the constant answer have their turns one after the other. Figures are medians of the rounds; *of it* and
  *above it* are medians of the rounds' own ratios and differences, so they are not those of the medians; the spread is the share of the median within which half of the ratios lie.
- The client looks at every answer; one that does not allow ends the run.
- The constant answers come from grpc-js' server with our messages, and from Node's HTTP server, which reads the document that AuthZEN posts and parses nothing of it.
- AuthZEN's ${EVALUATIONS} evaluations are one document, each with a request of its own. Both columns are of one evaluation, so each has its share of the transport.
- *A connection for each* check is what nginx opens unless it is told to keep some, as [forward-auth.md](forward-auth.md#nginx) does.
- Decisions that allow are not logged, as \`--log-level info\` has it. The policies:

\`\`\`ipe
${POLICY.trim()}
\`\`\`
`;
}

function row({ name, ours, constant, ratio, aboveNs, spread }: DoorFigures): string {
  const cells = [
    ...[name, time(ours.cpuNs), time(constant.cpuNs), ratio.cpuNs.toFixed(1)],
    ...[`${(spread * 100).toFixed(0)} %`, time(aboveNs)],
    ...[Math.round(ours.perSecond).toLocaleString("en"), ratio.perSecond.toFixed(2)],
  ];
  return `| ${cells.join(" | ")} |`;
}
