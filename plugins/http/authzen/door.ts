/** AuthZEN's Authorization API 1.0: evaluations, and the document that says where they are (docs/authzen.md). */
import type { IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import type { Limiter } from "../../../core/index.ts";
import { authorizationOf, createIdentification } from "../bearer.ts";
import { readBody } from "../body.ts";
import { decide, type Judge } from "../judge.ts";
import { at, type Door, type HttpAnswer, plain } from "../listener.ts";
import { type HttpMetrics, type RecorderFor, uncounted } from "../metrics.ts";
import type { AuthzenConfig } from "./config.ts";
import { type ReadDocument, type ReadEvaluation, readOne, readSeveral, type Semantic } from "./evaluation.ts";
import { toNeutral } from "./request.ts";
import { type EvaluationAnswer, failedAnswer, malformedAnswer, toAnswer } from "./response.ts";

export const EVALUATION = "/access/v1/evaluation";
export const EVALUATIONS = "/access/v1/evaluations";
export const METADATA = "/.well-known/authzen-configuration";

export interface AuthzenOptions {
  readonly config: AuthzenConfig;
  /** The one in force. */
  readonly judge: () => Judge;
  readonly logger: Logger;
  readonly metrics?: HttpMetrics | undefined;
  readonly limiter?: Limiter | undefined;
  readonly recorderFor?: RecorderFor | undefined;
}

export function authzenDoors(options: AuthzenOptions): Door[] {
  const ask = createAsk(options);
  // Whose of them it is makes no difference here.
  const identify = createIdentification(options.config.tokens.map((token) => ({ name: "", token })));
  const answering = (read: (bytes: Uint8Array) => ReadDocument) => async (request: IncomingMessage) => {
    const header = authorizationOf(request);
    // Whether there is one is no secret, what it is takes the same time to find out.
    const known = header !== null && identify(header) !== null;
    const answer = known
      ? await evaluate(request, read, ask)
      : plain(401, "a bearer token is missing, or none that is known", { "www-authenticate": "Bearer" });
    return echoed(request, answer);
  };
  return [
    at(EVALUATION, { POST: answering(readOne) }),
    at(EVALUATIONS, { POST: answering(readSeveral) }),
    at(METADATA, {
      GET: (request) => echoed(request, json(metadata(options.config.url ?? reached(request)))),
    }),
  ];
}

/** One evaluation, by the bundle that is in force for the whole document; null where it is none: then `error` says why. */
type Ask = (traceParent: string | undefined) => (read: ReadEvaluation) => Answered | Promise<Answered>;
type Answered = EvaluationAnswer | { readonly error: string };

function createAsk({ config, judge, logger, metrics, limiter, recorderFor }: AuthzenOptions): Ask {
  const counter = metrics?.counterFor("authzen") ?? uncounted;
  const surroundings = { logger, counter, limiter, recorder: recorderFor?.("authzen") };
  return (traceParent) => {
    const present = judge();
    return (read) => {
      if (!read.ok) return { error: read.error };
      const asked = toNeutral(read.evaluation, config.facts, Date.now());
      if (!asked.ok) return { error: asked.error };
      const { settable, engine } = present;
      const names = { settable, parameters: engine.program.queryNames };
      return decide(
        present,
        {
          traceParent,
          request: () => asked.request,
          answer: (decision, request, decisionId) => toAnswer(decision, request, { decisionId, ...names }),
          failure: failedAnswer,
        },
        surroundings,
      );
    };
  };
}

/** Bytes of a document. A body inside of it has at most 262,144 for a policy. */
const DOCUMENT_BYTES_MAX = 1024 * 1024;

async function evaluate(
  request: IncomingMessage,
  read: (bytes: Uint8Array) => ReadDocument,
  ask: Ask,
): Promise<HttpAnswer> {
  if (!/^application\/json *(?:;|$)/i.test(request.headers["content-type"] ?? ""))
    return plain(415, "the document's content-type must be application/json");
  const bytes = await readBody(request, DOCUMENT_BYTES_MAX);
  // The rest is not read, so the connection is of no further use.
  if (bytes === null) return plain(413, "the document is longer than 1 MiB", { connection: "close" });
  const document = read(bytes);
  if (document.kind === "error") return plain(400, document.error);
  const judged = ask(request.headersDistinct["traceparent"]?.[0]);
  if (document.kind === "one") {
    const answer = await judged(document.evaluation);
    return "error" in answer ? plain(400, answer.error) : json(answer);
  }
  return json({ evaluations: await inTurn(document.evaluations, judged, document.semantic) });
}

/** How long evaluations may keep the process from its other requests. */
const SLICE_MS = 5;

async function inTurn(
  evaluations: Iterable<ReadEvaluation>,
  judged: ReturnType<Ask>,
  semantic: Semantic,
): Promise<EvaluationAnswer[]> {
  const answers: EvaluationAnswer[] = [];
  let since = performance.now();
  for (const evaluation of evaluations) {
    const asked = judged(evaluation);
    const made = asked instanceof Promise ? await asked : asked;
    const answer = "error" in made ? malformedAnswer(made.error) : made;
    answers.push(answer);
    if (semantic === (answer.decision ? "permit_on_first_permit" : "deny_on_first_deny")) break;
    if (performance.now() - since < SLICE_MS) continue;
    await nextTurn();
    since = performance.now();
  }
  return answers;
}

function metadata(url: string): object {
  return {
    policy_decision_point: url,
    access_evaluation_endpoint: url + EVALUATION,
    access_evaluations_endpoint: url + EVALUATIONS,
  };
}

/** By the connection, not by a header, which anybody can write. */
function reached({ socket: { localAddress = "", localPort, localFamily } }: IncomingMessage): string {
  return `http://${localFamily === "IPv6" ? `[${localAddress}]` : localAddress}:${localPort}`;
}

/** The caller's `X-Request-ID`, as the API asks for; what is no short plain text stays out. */
function echoed(request: IncomingMessage, answer: HttpAnswer): HttpAnswer {
  const [id, second] = request.headersDistinct["x-request-id"] ?? [];
  if (id === undefined || second !== undefined || !/^[\x21-\x7e]{1,256}$/.test(id)) return answer;
  return { ...answer, headers: { ...answer.headers, "x-request-id": id } };
}

function json(value: object): HttpAnswer {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
