/**
 * Random obligations through a real Envoy that checks what it is told (`validate_mutations`): whatever policies may say of
 * headers and of the query is carried out to the letter, and never an error of Envoy's own.
 */
import { Agent, request as httpRequest } from "node:http";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Echo,
  type Envoy,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
} from "../../compose/envoy/index.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import { Random } from "../differential/random.ts";
import { engineOf } from "../engine.ts";

const SEED = 20_261_130;
const BUNDLES = 100;
const REQUESTS = 100;
const POLICIES = 6;
const GUARDS = 3;

/** What RFC 9110 lets names consist of, in lower case and without `_`. */
const NAME_CHARACTERS = "!#$%&'*+-.^`|~0123456789abcdefghijklmnopqrstuvwxyz";
const DENIAL_STATUSES = [400, 401, 403, 404, 409, 410, 413, 423, 429, 500, 503];
const CLIENT_PLANS = ["free", "a b"];
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];

let envoy: Envoy;
let upstream: Upstream;
let server: RunningServer;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer({
    address: "127.0.0.1:0",
    engine: engineOf("policy Open:\n  allows\n").engine,
    logger: pino({ level: "silent" }),
    bodyBuffered: false,
  });
  const { path: binary } = await obtainEnvoy();
  envoy = await startEnvoy({
    binary,
    bootstrap: toBootstrap({ listeners: [{ kind: "ext_authz", name: "main", server }], upstream }),
  });
}, 400_000);

afterAll(async () => {
  agent.destroy();
  await envoy?.stop();
  await upstream?.stop();
  server?.stop();
});

interface Action {
  /** `reply`: a header of the response; `plan`: a query parameter. */
  readonly kind: "set" | "append" | "remove" | "reply" | "plan";
  readonly name: string;
  readonly value: string;
}

interface Answer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: readonly (readonly [string, string])[];
}

interface World {
  readonly text: string;
  /** By policy. */
  readonly actions: readonly (readonly Action[])[];
  /** By guard. */
  readonly answers: readonly Answer[];
  readonly names: readonly string[];
}

test(`${BUNDLES * REQUESTS} random decisions`, { timeout: 240_000 }, async () => {
  const random = new Random(SEED);
  const seen = { allow: 0, deny: 0, conflict: 0, redirect: 0 };
  for (let bundle = 0; bundle < BUNDLES; bundle++) {
    const world = worldOf(random);
    server.swap(engineOf(world.text).engine);
    const asked = Array.from({ length: REQUESTS }, () => requestOf(world, random));
    await Promise.all([0, 1, 2, 3].map((lane) => ask(world, asked, lane, seen)));
  }
  expect(seen.allow).toBeGreaterThan(3_000);
  expect(seen.deny).toBeGreaterThan(1_000);
  expect(seen.conflict).toBeGreaterThan(100);
  expect(seen.redirect).toBeGreaterThan(100);
});

interface Asked {
  readonly policies: readonly boolean[];
  readonly guards: readonly boolean[];
  readonly lines: readonly (readonly [string, string])[];
}

async function ask(
  world: World,
  asked: readonly Asked[],
  lane: number,
  seen: Record<"allow" | "deny" | "conflict" | "redirect", number>,
): Promise<void> {
  for (let i = lane; i < asked.length; i += 4) {
    const given = asked[i]!;
    const wanted = wantedOf(world, given);
    const { status, headers, body } = await send(given);
    const where = `${world.text}\n${JSON.stringify(given)}\n${status} ${body}`;
    if (wanted.kind === "upstream") {
      seen.allow++;
      expect(status, where).toBe(200);
      const echo = JSON.parse(body) as Echo;
      expect(arrivedOf(world, echo), where).toEqual(wanted.lines);
      expect(headers["x-reply"], where).toBe(wanted.reply);
      const { searchParams } = new URL(echo.url, "http://e2e.test");
      expect(searchParams.getAll("plan"), where).toEqual(wanted.plans);
      expect(searchParams.getAll("p0"), where).toEqual([String(given.policies[0])]);
      continue;
    }
    seen[wanted.kind === "conflict" ? "conflict" : "deny"]++;
    if (REDIRECT_STATUSES.includes(wanted.answer.status)) seen.redirect++;
    expect(status, where).toBe(wanted.answer.status);
    expect(headers["x-ipe-decision"], where).toMatch(/^[0-9a-f]{32}$/);
    for (const [name, value] of wanted.answer.headers) expect(headers[name], `${name}\n${where}`).toBe(value);
    if (wanted.answer.body !== null) expect(body, where).toBe(wanted.answer.body);
  }
}

// --- what must happen ---

type Wanted =
  | {
      readonly kind: "upstream";
      readonly lines: readonly (readonly [string, string])[];
      readonly reply: string | undefined;
      readonly plans: readonly string[];
    }
  | { readonly kind: "denied" | "conflict"; readonly answer: Answer };

function wantedOf({ actions, answers, names }: World, { policies, guards, lines }: Asked): Wanted {
  const denying = guards.indexOf(true);
  if (denying !== -1) return { kind: "denied", answer: answers[denying]! };
  const done = actions.flatMap((own, i) => (policies[i] === true ? own : []));
  const values = new Map<string, string[]>();
  const once = new Map<string, string>();
  for (const { kind, name, value } of done) {
    if (kind === "append" || kind === "remove") continue;
    if ((once.get(`${kind} ${name}`) ?? value) !== value)
      return {
        kind: "conflict",
        answer: { status: 403, body: null, headers: [["x-ipe-reason", "obligation-conflict"]] },
      };
    once.set(`${kind} ${name}`, value);
    if (kind === "set") values.set(name, [value]);
  }
  for (const { kind, name, value } of done)
    if (kind === "append") values.set(name, [...(values.get(name) ?? []), value]);
  const settable = new Set(
    actions.flat().flatMap(({ kind, name }) => (kind === "set" || kind === "append" ? [name] : [])),
  );
  const removed = new Set(done.flatMap(({ kind, name }) => (kind === "remove" ? [name] : [])));
  const kept = lines.filter(([name]) => !settable.has(canonical(name)) && !removed.has(canonical(name)));
  const set = [...values].map(
    ([name, list]) => [name, list.filter((value) => value !== "").join(", ")] as const,
  );
  return {
    kind: "upstream",
    lines: sorted([...kept, ...set].filter(([name]) => names.includes(canonical(name)))),
    reply: once.get("reply x-reply"),
    plans: plansOf(once.get("plan plan"), actions.flat()),
  };
}

/** What the upstream finds under `plan`: what is set; else what the client sent, unless some policy can set it. */
function plansOf(set: string | undefined, actions: readonly Action[]): readonly string[] {
  if (set !== undefined) return [set];
  return actions.some(({ kind }) => kind === "plan") ? [] : CLIENT_PLANS;
}

function arrivedOf({ names }: World, { headers }: Echo): readonly (readonly [string, string])[] {
  return sorted(headers.filter(([name]) => names.includes(canonical(name))));
}

function canonical(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function sorted(lines: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return lines
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

// --- what is said ---

function worldOf(random: Random): World {
  const names = Array.from({ length: 5 }, () => nameOf(random));
  const values = Array.from({ length: 3 }, () => textOf(random));
  const actions = Array.from({ length: POLICIES }, () => actionsOf(names, values, random));
  const answers = Array.from({ length: GUARDS }, () => answerOf(random));
  const text = [
    "attributes",
    ...actions.map((_, i) => `  p${i}: bool claimed from query "p${i}"`),
    ...answers.map((_, i) => `  g${i}: bool claimed from query "g${i}"`),
    ...actions.map((own, i) => `policy P${i}:\n  triggers when p${i}\n  allows\n${onAllow(own)}`),
    ...answers.map((answer, i) => `guard G${i}:\n  triggers when g${i}\n  denies\n${onDeny(answer)}`),
    "policy Always:\n  allows",
  ].join("\n");
  return { text: `${text}\n`, actions, answers, names: [...new Set(names)] };
}

function nameOf(random: Random): string {
  const rest = Array.from({ length: 1 + random.below(20) }, () => random.pick([...NAME_CHARACTERS])).join("");
  return `x-o${rest}`;
}

/** Visible ASCII with blanks inside. */
function textOf(random: Random): string {
  const length = random.pick([0, 1, 2, 10, 200]);
  const text = Array.from({ length }, () => String.fromCharCode(0x20 + random.below(0x5f))).join("");
  return text.trim();
}

function actionsOf(names: readonly string[], values: readonly string[], random: Random): Action[] {
  const value = random.chance(80) ? values[0]! : random.pick([...values]);
  const others: readonly Action[] = [
    { kind: "reply", name: "x-reply", value },
    { kind: "plan", name: "plan", value },
  ];
  return [...others.filter(() => random.chance(25)), ...headerActionsOf(names, values, random)];
}

function headerActionsOf(names: readonly string[], values: readonly string[], random: Random): Action[] {
  return [...new Set(random.shuffled([...names]).slice(0, random.below(4)))].flatMap((name): Action[] => {
    const set = {
      kind: "set",
      name,
      value: random.chance(80) ? values[0]! : random.pick([...values]),
    } as const;
    const append = { kind: "append", name, value: random.pick([...values]) } as const;
    const remove = { kind: "remove", name, value: "" } as const;
    return random.pick<Action[]>([[set], [append], [set, append], [remove]]);
  });
}

function answerOf(random: Random): Answer {
  if (random.chance(30)) {
    const location = random.pick(["/login", "https://login.example.com/?to=%2F&a=b#c", "http://[::1]:8080/"]);
    return { status: random.pick(REDIRECT_STATUSES), body: null, headers: [["location", location]] };
  }
  const names = [...new Set(["www-authenticate", "retry-after", "set-cookie", nameOf(random)])].filter(() =>
    random.chance(40),
  );
  // A client of HTTP joins or lists what stands there twice; each of these is there once.
  const headers = names
    .filter((name) => name !== "set-cookie")
    .map((name) => [name, textOf(random)] as const);
  return { status: random.pick(DENIAL_STATUSES), body: random.pick([null, "", "no", '{"a":"é"}']), headers };
}

function onAllow(actions: readonly Action[]): string {
  if (actions.length === 0) return "";
  const lines = actions.map(({ kind, name, value }) => {
    const [header, text] = [JSON.stringify(name), written(value)];
    if (kind === "set") return `    set request header ${header} to ${text}`;
    if (kind === "reply") return `    set response header ${header} to ${text}`;
    if (kind === "plan") return `    set query parameter ${header} to ${text}`;
    return kind === "append"
      ? `    append ${text} to request header ${header}`
      : `    remove request header ${header}`;
  });
  return `  on allow\n${lines.join("\n")}`;
}

/** As a literal: `${` would begin a value. */
function written(text: string): string {
  return JSON.stringify(text.replaceAll("${", () => "$${"));
}

function onDeny({ status, body, headers }: Answer): string {
  const lines = headers.map(([name, value]) =>
    name === "location"
      ? `    redirect to ${JSON.stringify(value)}`
      : `    set response header ${JSON.stringify(name)} to ${written(value)}`,
  );
  if (body !== null) lines.push(`    ${body.startsWith("{") ? "json " : ""}body ${JSON.stringify(body)}`);
  return `  on deny\n    status ${status}\n${lines.join("\n")}`;
}

// --- what is asked ---

function requestOf({ names }: World, random: Random): Asked {
  const flags = (count: number, percent: number): boolean[] =>
    Array.from({ length: count }, () => random.chance(percent));
  const spelt = (name: string): string => random.pick([name, name.toUpperCase(), name.replaceAll("-", "_")]);
  const lines = names.flatMap((name) =>
    random.chance(60) ? [[spelt(name), random.pick(["client", "1", "a, b"])] as const] : [],
  );
  return { policies: flags(POLICIES, 40), guards: flags(GUARDS, 10), lines };
}

async function send({ policies, guards, lines }: Asked): Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}> {
  const query = [
    ...policies.map((value, i) => `p${i}=${value}`),
    ...guards.map((value, i) => `g${i}=${value}`),
    // What `CLIENT_PLANS` are, one of them hidden from who looks for the name as it is.
    "plan=free",
    "pl%61n=a+b",
  ].join("&");
  return await new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...{ host: "127.0.0.1", port: envoy.listenerPort("main"), path: `/?${query}`, agent },
        headers: ["host", "e2e.test", ...lines.flat()],
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end();
  });
}
