/** What is kept of decisions while a server runs: the log of decisions. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Logger } from "pino";
import { type DecisionRecorder, type Engine, recorderOf } from "../../core/index.ts";
import type { DecisionLog, Rules, Sink } from "../decision-log/index.ts";
import type { HostName, ServerMetrics } from "../prometheus/index.ts";
import type { Traces } from "../traces/index.ts";
import { type EvidenceOptions, LOG_FILES, LOG_MEBIBYTES, TRACE_SAMPLE } from "./evidence-options.ts";
import { Failure } from "./exit.ts";
import { reason, textOf } from "./files.ts";
import type { Output } from "./output.ts";

export interface Evidence {
  /** Undefined where nothing is kept. */
  recorderFor(host: HostName): DecisionRecorder | undefined;
  /** Where lines for people go: stdout may be the log's. */
  announce(text: string): void;
  /** Say which masks name nothing that the bundle reads. */
  remind(engine: Engine): void;
  /** Once no more decisions are made: write what waits. */
  drain(): Promise<void>;
}

interface Surroundings {
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  readonly output: Output;
}

/** @throws Failure where the options do not go together, or the log cannot be opened */
export async function openEvidence(options: EvidenceOptions, surroundings: Surroundings): Promise<Evidence> {
  const { output } = surroundings;
  checkOptions(options);
  const opened =
    options.decisionLog === undefined ? null : await openLog(options.decisionLog, options, surroundings);
  const traces = await openTraces(options);
  const recorders = new Map<HostName, DecisionRecorder | undefined>();
  return {
    recorderFor(host) {
      if (!recorders.has(host))
        recorders.set(
          host,
          recorderOf(
            [opened?.log, traces].flatMap((each) =>
              each === undefined || each === null ? [] : [each.recorderFor(host)],
            ),
          ),
        );
      return recorders.get(host);
    },
    announce: options.decisionLog === STDOUT ? (text) => output.message(text) : (text) => output.result(text),
    remind(engine) {
      if (opened === null) return;
      for (const mask of opened.rules.idleIn(engine))
        output.message(
          `note: --decision-log-mask \`${mask}\` names no attribute that the bundle reads, and no source of one`,
        );
    },
    async drain() {
      await traces?.drain();
      if (opened === null) return;
      opened.rules.stop();
      const lost = await opened.log.drain();
      if (lost > 0) output.message(`${lost} decisions could not be logged, and are lost`);
    },
  };
}

/** Loaded where it is asked for: who does without pays nothing. */
async function openTraces({ traceEndpoint: url, traceSample }: EvidenceOptions): Promise<Traces | null> {
  if (url === undefined) {
    if (traceSample !== undefined) throw new Failure("--trace-sample belongs to --trace-endpoint URL");
    return null;
  }
  if (!isUrl(url) || !URL.canParse(url))
    throw new Failure("--trace-endpoint takes a URL such as http://127.0.0.1:4318/v1/traces");
  const sample = /^(?:0|1|[01]?\.[0-9]{1,9})$/.test(traceSample ?? "") ? Number(traceSample) : Number.NaN;
  if (traceSample !== undefined && !(sample >= 0 && sample <= 1))
    throw new Failure(`--trace-sample takes a share from 0 to 1, such as 0.01, not \`${traceSample}\``);
  const room = await import("../traces/index.ts");
  return new room.Traces({ url, sample: traceSample === undefined ? TRACE_SAMPLE : sample });
}

const STDOUT = "stdout";

function checkOptions(options: EvidenceOptions): void {
  const { decisionLog: where, decisionLogKey, decisionLogPlain, decisionLogSize, decisionLogFiles } = options;
  const others = Object.keys(options).some(
    (name) => (name.startsWith("decisionLog") && name !== "decisionLog") || name === "onAuditFailure",
  );
  if (where === undefined && others)
    throw new Failure(
      "--decision-log-... and --on-audit-failure belong to --decision-log, which says where decisions are logged",
    );
  if (decisionLogKey !== undefined && decisionLogPlain === true)
    throw new Failure(
      "--decision-log-key hashes names of callers, and --decision-log-plain does not: choose one",
    );
  if (where === undefined) return;
  if (options.decisionLogToken !== undefined && !isUrl(where))
    throw new Failure("--decision-log-token is for --decision-log URL");
  if ((decisionLogSize ?? decisionLogFiles) !== undefined && (where === STDOUT || isUrl(where)))
    throw new Failure("--decision-log-size and --decision-log-files are for --decision-log FILE");
}

function isUrl(where: string): boolean {
  return /^https?:\/\//i.test(where);
}

async function openLog(
  where: string,
  options: EvidenceOptions,
  { logger, metrics }: Surroundings,
): Promise<{ readonly log: DecisionLog; readonly rules: TurningRules }> {
  // Loaded where it is needed.
  const room = await import("../decision-log/index.ts");
  const rules = new TurningRules(options, room, logger);
  const log = new room.DecisionLog({
    sink: await openSink(where, options, room),
    rules: () => rules.rules,
    bodies: options.decisionLogBodies === true,
    onFailure: options.onAuditFailure ?? "deny",
    logger,
  });
  metrics.logsDecisions(() => log.state);
  return { log, rules };
}

type Room = typeof import("../decision-log/index.ts");

async function openSink(where: string, options: EvidenceOptions, room: Room): Promise<Sink> {
  if (where === STDOUT) return room.streamSink(STDOUT, process.stdout);
  if (isUrl(where))
    return room.httpSink({ url: checkedUrl(where), token: tokenIn(options.decisionLogToken) });
  try {
    return await room.fileSink({
      path: where,
      bytesMax: (options.decisionLogSize ?? LOG_MEBIBYTES) * 1024 * 1024,
      filesMax: options.decisionLogFiles ?? LOG_FILES,
    });
  } catch (problem) {
    throw new Failure(`--decision-log \`${where}\` cannot be written: ${reason(problem)}`);
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== "" || url.password !== "")
    throw new Failure(
      "--decision-log takes a URL such as https://logs.example.org/decisions, without a password: that is --decision-log-token FILE",
    );
  return url.href;
}

function tokenIn(path: string | undefined): string | null {
  if (path === undefined) return null;
  const token = textOf(path).trim();
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw new Failure(
      `--decision-log-token \`${path}\` holds no bearer token: letters, digits and \`-._~+/\` only`,
    );
  return token;
}

const KEY_LOOK_MS = 5_000;

/** The rules with the key of the moment. */
class TurningRules {
  readonly #room: Room;
  readonly #options: EvidenceOptions;
  rules: Rules;

  constructor(options: EvidenceOptions, room: Room, logger: Logger) {
    this.#room = room;
    this.#options = options;
    const { decisionLogKey: path } = options;
    try {
      this.rules = this.#read();
    } catch (problem) {
      throw new Failure(`--decision-log-key \`${path}\`: ${reason(problem)}`);
    }
    if (path === undefined) return;
    const turn = (): void => {
      try {
        this.rules = this.#read();
        logger.info({ key_id: this.rules.key?.id }, "names of callers are hashed by the key in its file");
      } catch (problem) {
        logger.error({ err: problem }, "the key for names of callers cannot be read; the one before stays");
      }
    };
    watchFile(path, { interval: KEY_LOOK_MS, persistent: false }, turn);
  }

  /** Masks that name nothing. */
  idleIn({ program }: Engine): string[] {
    return this.rules.idle(program.slots.filter(({ read }) => read));
  }

  stop(): void {
    if (this.#options.decisionLogKey !== undefined) unwatchFile(this.#options.decisionLogKey);
  }

  #read(): Rules {
    const { decisionLogKey: path, decisionLogMask, decisionLogPrincipal, decisionLogPlain } = this.#options;
    return new this.#room.Rules({
      masks: decisionLogMask ?? [],
      principals: decisionLogPrincipal ?? [],
      key: path === undefined ? null : new this.#room.PseudonymKey(readFileSync(path, "utf8")),
      plain: decisionLogPlain === true,
    });
  }
}
