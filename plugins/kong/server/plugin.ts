/** The plugin: one object for each configuration, asked once for each request. */
import { type Logger, pino } from "pino";
import {
  createEngine,
  type Decision,
  type Engine,
  LocalLimiter,
  missingAt,
  type NeutralRequest,
  type Program,
  type QueryChanges,
  rewriteQuery,
  settableHeaders,
  settle,
} from "../../../core/index.ts";
import { DECISION_KEY, METADATA_KEY, type PluginConfig, readConfig, SNAPSHOT_KEY } from "./config.ts";
import { decisionId } from "./decision-id.ts";
import { queryText } from "./kong-text.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Pdk } from "./pdk.ts";
import { askFacts, askMissing, extensionKeys, type FactName, factsNeeded, toNeutral } from "./request.ts";
import { type Action, type Answer, failure, passUnchanged, record, toAction } from "./response.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

/** What a plugin is made with, where it is not the stock server that makes it. */
export interface PluginContext {
  /** Writes to stderr: Kong reads stdout of servers that it starts, and a dump must be alone there. */
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What is being decided. */
interface Case {
  readonly kong: Pdk;
  readonly answer: Answer;
  snapshot: Snapshot | null;
  request: NeutralRequest | null;
}

/**
 * In the shape of the npm package kong-pdk: made with the configuration, a method for each phase. So it runs in the stock
 * `kong-js-pluginserver` as well (stock.cjs beside this).
 *
 * INVARIANT: `access` settles only after the request was ended, or after a decision that lets it pass was recorded for the
 * guard, as the last call. It never rejects for anything that a request holds.
 */
export class IpePlugin {
  readonly #config: PluginConfig;
  readonly #engine: Engine;
  readonly #needed: ReadonlySet<FactName>;
  readonly #keys: readonly string[];
  readonly #settable: Answer["settable"];
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  /** Of this process: Kong asks one of them. */
  readonly #limiter = new LocalLimiter();

  /** @throws when the configuration or the bundle cannot be used; Kong answers 500 then */
  constructor(config: unknown, context?: PluginContext) {
    this.#config = readConfig(config);
    this.#engine = engineOf(this.#config.bundle);
    this.#needed = factsNeeded(this.#engine.program);
    this.#keys = extensionKeys(this.#engine.program);
    this.#settable = settableHeaders(this.#engine.headerNames);
    this.#logger = context?.logger ?? pino({ base: null }, pino.destination(2));
    this.#metrics = context?.metrics ?? createMetrics();
  }

  get digest(): string {
    return this.#engine.digest;
  }

  async access(kong: Pdk): Promise<void> {
    const answer = {
      decisionId: decisionId(),
      bundle: this.#engine.digest,
      settable: this.#settable,
      queryNames: this.#engine.program.queryNames,
    };
    const judged: Case = { kong, answer, snapshot: null, request: null };
    let decision: Decision | null = null;
    let action: Action;
    try {
      decision = await this.#decide(judged);
      action = this.#actionFor(judged, decision);
    } catch (error) {
      decision = null;
      this.#observe(() =>
        this.#logger.error({ decision_id: answer.decisionId, err: error }, "no decision could be made"),
      );
      action =
        this.#config.mode === "permissive"
          ? passUnchanged(judged.request, answer, judged.snapshot?.stripped)
          : failure(judged.request, answer.decisionId);
    }
    this.#observe(() => {
      this.#metrics.decided(decision?.allow ?? false, decision?.reason.outcome ?? "error");
      this.#log(answer, decision);
    });
    await this.#perform(judged, decision, action);
  }

  async #decide(judged: Case): Promise<Decision> {
    const { kong } = judged;
    const snapshot = readSnapshot(await kong.ctx.shared.get(SNAPSHOT_KEY));
    judged.snapshot = snapshot;
    if (snapshot === null) this.#observe(() => this.#metrics.missedSnapshot());
    const facts =
      snapshot === null ? await askFacts(kong, this.#needed) : await askMissing(kong, snapshot, this.#needed);
    judged.request = toNeutral(facts, this.#config.bodyLimit, this.#keys);
    const decision = this.#engine.decide(judged.request);
    // A policy that is tried out counts nothing.
    return this.#config.mode === "permissive" ? decision : settle(decision, this.#limiter);
  }

  #actionFor({ request, snapshot, answer }: Case, decision: Decision): Action {
    if (this.#config.mode === "permissive") return passUnchanged(request, answer, snapshot?.stripped);
    const action = toAction(decision, request!, answer, snapshot?.stripped);
    if (action.kind === "pass" && action.responseHeaders.length > 0 && snapshot?.responds !== true)
      throw new Error(NOBODY_RESPONDS);
    return action;
  }

  /** The order is what makes it safe: if we die in between, the guard finds no record and answers 503. */
  async #perform({ kong, answer, snapshot }: Case, decision: Decision | null, action: Action): Promise<void> {
    const told = this.#config.logDecisions ? record(answer, this.#config.mode, decision) : null;
    const metadata =
      action.kind === "pass" && Object.keys(action.metadata).length > 0 ? action.metadata : null;
    const isLeft = snapshot?.logs === true;
    const log = isLeft && (told ?? metadata) !== null ? { ...told, ...(metadata && { metadata }) } : null;
    const mark = (pass: boolean): Promise<unknown> =>
      kong.ctx.shared.set(DECISION_KEY, JSON.stringify({ pass, ...left(action, log) }));
    if (!isLeft && told !== null) await kong.log.setSerializeValue("ipe", told);
    if (!isLeft && metadata !== null) await kong.log.setSerializeValue("ipe.metadata", metadata);
    if (action.kind === "exit") {
      if (log !== null) await mark(false);
      await kong.response.exit(action.status, action.body, action.headers);
      return;
    }
    for (const name of action.clear) await kong.service.request.clearHeader(name);
    if (Object.keys(action.set).length > 0) await kong.service.request.setHeaders({ ...action.set });
    if (action.query !== null) await rewrite(kong, action.query);
    if (metadata !== null) await kong.ctx.shared.set(METADATA_KEY, metadata);
    await mark(true);
  }

  /** Denials at `info`, the rest at `debug`. No path, no headers, no body. */
  #log({ decisionId, bundle }: Answer, decision: Decision | null): void {
    const level = decision?.allow === true ? "debug" : "info";
    if (!this.#config.logDecisions || !this.#logger.isLevelEnabled(level)) return;
    const { policy = null, outcome = "error" } = decision?.reason ?? {};
    this.#logger[level](
      { decision_id: decisionId, bundle, policy, outcome, mode: this.#config.mode },
      decision?.allow === true ? "allow" : "deny",
    );
  }

  /** What watches a decision must not change it. */
  #observe(action: () => void): void {
    try {
      action();
    } catch {
      // The log itself is broken: there is nowhere to tell it.
    }
  }
}

const NOBODY_RESPONDS =
  "a policy sets a header of the answer, which only the plugin `ipe-snapshot` can: put it in front, written by `ipe kong init`";

/** What the plugins in Lua are left to carry out. */
function left(action: Action, log: object | null): object {
  const headers = action.kind === "pass" ? action.responseHeaders : [];
  return {
    ...(headers.length === 0 ? {} : { response_headers: headers }),
    ...(log === null ? {} : { log }),
  };
}

async function rewrite({ request, service }: Pdk, changes: QueryChanges): Promise<void> {
  const before = queryText(await request.getRawQuery());
  const after = rewriteQuery(before, changes);
  if (after !== before) await service.request.setRawQuery(after);
}

function engineOf(bundle: Uint8Array): Engine {
  const made = createEngine(bundle, { takesLimits: true });
  if (!made.ok) throw new Error(`the bundle is refused: ${made.error}`);
  const [objection] = objections(made.engine.program);
  if (objection !== undefined) throw new Error(`the bundle is refused: ${objection}`);
  return made.engine;
}

/** What a bundle reads and Kong cannot supply: every request would be judged on a fact that is never known. */
export function objections(program: Pick<Program, "slots">): string[] {
  return program.slots
    .filter((slot) => slot.read)
    .flatMap((slot) => {
      const reason = missingAt("kong", slot);
      return reason === null ? [] : [`it reads \`${slot.name}\`, and ${reason}`];
    });
}
