/** What the log of decisions costs a decision: CPU time of the process, the file's writing in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { DecisionLog, fileSink, Rules } from "../../plugins/decision-log/index.ts";
import { engineOf } from "../engine.ts";
import { inTurns, line, time } from "./rounds.ts";
import { ALLOWED, SEED_TEXT } from "./seed.ts";

const ROUNDS = 15;
const DECISIONS = 4_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export async function benchDecisionLog(): Promise<void> {
  const { engine } = engineOf(SEED_TEXT);
  const folder = mkdtempSync(join(tmpdir(), "ipe-bench-"));
  const sink = await fileSink({ path: join(folder, "d.jsonl"), bytesMax: FILE_BYTES_MAX, filesMax: 2 });
  const rules = new Rules({ masks: [], principals: [], key: null, plain: false });
  const logger = pino({ level: "silent" });
  const log = new DecisionLog({ sink, rules: () => rules, bodies: false, onFailure: "deny", logger });
  const recorder = log.recorderFor("envoy");
  const record = (): boolean =>
    recorder.record({
      ...{ decisionId: "0".repeat(32), bundle: engine.digest, decision: engine.decide(ALLOWED) },
      ...{ request: ALLOWED, facts: engine.factsOf(ALLOWED), traceParent: null },
      ...{ evaluationMicros: 1, micros: 2 },
    });
  const written = async (): Promise<void> => {
    while (log.state.waitingCharacters > 0) await pause(1);
  };
  const found = await inTurns(
    {
      decide: () => cpuNs(() => engine.decide(ALLOWED)),
      facts: () =>
        cpuNs(() => {
          engine.decide(ALLOWED);
          engine.factsOf(ALLOWED);
        }),
      logged: () => cpuNs(record, written),
    },
    ROUNDS,
  );
  await log.drain();
  rmSync(folder, { recursive: true, force: true });
  line("seed policy, request to decision, CPU", time(found.decide));
  line("the same with a copy of what was read", time(found.facts), ratio(found.facts, found.decide));
  line("the same written to a log in a file", time(found.logged), ratio(found.logged, found.decide));
  if (log.state.lost > 0) throw new Error("the log lost records, so it was not measured");
}

function ratio(part: number, whole: number): string {
  return `${(part / whole).toFixed(1)} x the decision alone`;
}

/** Of one call among many, and of what has to be waited for behind them. */
async function cpuNs(
  call: () => unknown,
  wait: () => Promise<void> = async () => undefined,
): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < DECISIONS; i++) call();
  await wait();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / DECISIONS;
}
