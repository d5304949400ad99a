/** The doors side by side: what a check costs the server, and what the same server costs that answers a constant. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../rounds.ts";
import { type Door, GRPC, HTTP, type HttpDoor } from "./doors.ts";
import type { HttpAnswer } from "./http-load.ts";
import { type Connection, type Sample, sample } from "./load.ts";
import { SERVE, type Server, Servers } from "./servers.ts";

export interface DoorsOptions {
  /** Every door has its turn in each, next to the constant answer. */
  readonly rounds: number;
  /** Decisions in one turn. */
  readonly checks: number;
  /** How long each server is asked by each door before anything counts. */
  readonly warmUpMs: number;
  /** To each server; each has one request at a time. */
  readonly connections: number;
  /** No further round begins so long after the first. */
  readonly endMs: number;
}

/** Of one door, medians of its rounds. */
export interface DoorFigures {
  readonly name: string;
  readonly ours: Sample;
  readonly constant: Sample;
  /** Ours divided by the constant answer's, round by round. */
  readonly ratio: Sample;
  /** CPU time that ours takes more for a check, round by round. */
  readonly aboveNs: number;
  /** Half of the rounds' ratios of CPU time lie within this share of their median. */
  readonly spread: number;
  readonly rounds: number;
}

export async function measureDoors(options: DoorsOptions): Promise<DoorFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), "ipe-doors-"));
  const servers = new Servers(folder);
  const opened: Connection<unknown>[] = [];
  try {
    const pairs = await pairsOf(servers, options, opened);
    return await inRounds(pairs, options);
  } finally {
    for (const connection of opened) connection.close();
    servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A door of ours and the server beside it. */
interface Pair {
  readonly name: string;
  ours(): Promise<Sample>;
  constant(): Promise<Sample>;
}

async function pairsOf(
  servers: Servers,
  options: DoorsOptions,
  opened: Connection<unknown>[],
): Promise<Pair[]> {
  const kinds = Object.keys(SERVE) as (keyof typeof SERVE)[];
  const started = await Promise.all(kinds.map(async (kind) => [kind, await servers.ours(kind)] as const));
  const ours = Object.fromEntries(started) as unknown as Ours;
  const [grpc, http] = await Promise.all([constantGrpc(servers, ours), constantHttp(servers, ours)]);
  const pair = async <A>(door: Door<A>, constant: Server): Promise<Pair> => {
    const turn = async (server: Server): Promise<() => Promise<Sample>> => {
      const connections = await Promise.all(
        Array.from({ length: options.connections }, () => door.connect(server.port)),
      );
      opened.push(...connections);
      const requests = Math.ceil(options.checks / door.checks);
      return async () =>
        perCheck(await sample(server, { connections, requests, sound: door.sound }), door.checks);
    };
    return { name: door.name, ours: await turn(ours[door.serve]), constant: await turn(constant) };
  };
  return Promise.all([...GRPC.map((door) => pair(door, grpc)), ...HTTP.map((door) => pair(door, http))]);
}

type Ours = Readonly<Record<keyof typeof SERVE, Server>>;

async function constantGrpc(servers: Servers, ours: Ours): Promise<Server> {
  return servers.constant({ kind: "grpc", answer: await firstAnswer(GRPC[0]!, ours.grpc) });
}

async function constantHttp(servers: Servers, ours: Ours): Promise<Server> {
  const answers = HTTP.map(async (door) => {
    const answer = await firstAnswer(door, ours[door.serve]);
    return [targetOf(door), withoutOwn(answer)] as const;
  });
  return servers.constant({ kind: "http", answers: await Promise.all(answers) });
}

async function firstAnswer<A>(door: Door<A>, { port }: Server): Promise<A> {
  const connection = await door.connect(port);
  try {
    const answer = await connection.ask();
    door.sound(answer);
    return answer;
  } finally {
    connection.close();
  }
}

function targetOf({ message }: HttpDoor): string {
  return message.toString("latin1").split(" ", 2)[1]!;
}

/** Without what Node's server writes itself. */
function withoutOwn({ headers, ...answer }: HttpAnswer): HttpAnswer {
  const { date, connection, "keep-alive": keepAlive, ...own } = headers;
  return { ...answer, headers: own };
}

function perCheck({ cpuNs, perSecond }: Sample, checks: number): Sample {
  return { cpuNs: cpuNs / checks, perSecond: perSecond * checks };
}

interface Round {
  readonly ours: Sample;
  readonly constant: Sample;
}

async function inRounds(
  pairs: readonly Pair[],
  { rounds, warmUpMs, endMs }: DoorsOptions,
): Promise<DoorFigures[]> {
  for (const { ours, constant } of pairs) {
    await warmUp(ours, warmUpMs);
    await warmUp(constant, warmUpMs);
  }
  const end = performance.now() + endMs;
  const found = new Map<string, Round[]>(pairs.map(({ name }) => [name, []]));
  for (let i = 0; i < rounds && (i === 0 || performance.now() < end); i++)
    for (const [name, samples] of await round(pairs, i)) found.get(name)!.push(samples);
  return [...found].map(([name, samples]) => figuresOf(name, samples));
}

async function warmUp(turn: () => Promise<unknown>, forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  do await turn();
  while (performance.now() < end);
}

/** Another pair begins each time, and in a pair the other one. */
async function round(pairs: readonly Pair[], number: number): Promise<Map<string, Round>> {
  const samples = new Map<string, Round>();
  for (let i = 0; i < pairs.length; i++) {
    const { name, ours, constant } = pairs[(i + number) % pairs.length]!;
    if (number % 2 === 0) samples.set(name, { ours: await ours(), constant: await constant() });
    else samples.set(name, { constant: await constant(), ours: await ours() });
  }
  return samples;
}

function figuresOf(name: string, rounds: readonly Round[]): DoorFigures {
  const ratios = rounds.map(({ ours, constant }) => ({
    cpuNs: ours.cpuNs / constant.cpuNs,
    perSecond: ours.perSecond / constant.perSecond,
  }));
  const ratio = medians(ratios);
  return {
    ...{ name, ratio, rounds: rounds.length },
    aboveNs: median(rounds.map(({ ours, constant }) => ours.cpuNs - constant.cpuNs)),
    ours: medians(rounds.map(({ ours }) => ours)),
    constant: medians(rounds.map(({ constant }) => constant)),
    spread: middleHalf(ratios.map(({ cpuNs }) => cpuNs)) / ratio.cpuNs,
  };
}

function medians(samples: readonly Sample[]): Sample {
  return {
    cpuNs: median(samples.map(({ cpuNs }) => cpuNs)),
    perSecond: median(samples.map(({ perSecond }) => perSecond)),
  };
}

/** From the first quarter of several numbers to the last. */
function middleHalf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return at(0.75) - at(0.25);
}
