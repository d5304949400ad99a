/** The door of proxies that ask before they pass a request on. */
import type { Logger } from "pino";
import { type Identity, type Limiter, type ObligationKind, obligationProblem } from "../../core/index.ts";
import { decideVerified, type HttpDecider, type Judge, type Surroundings } from "./judge.ts";
import { type Door, type HttpAnswer, plain } from "./listener.ts";
import { type HttpMetrics, hostOf, type RecorderFor, uncounted } from "./metrics.ts";
import { PROXIES, type ProxyName } from "./proxies.ts";
import { objections, toNeutral } from "./request.ts";
import { failure, toResponse } from "./response.ts";

const DOOR = "/forward-auth/";

export interface ForwardAuthOptions {
  /** The one in force. */
  readonly judge: () => Judge;
  readonly logger: Logger;
  readonly metrics?: HttpMetrics | undefined;
  readonly limiter?: Limiter | undefined;
  readonly recorderFor?: RecorderFor | undefined;
}

/** Answers `/forward-auth/PROXY`. */
export function forwardAuthDoor({ judge, logger, metrics, limiter, recorderFor }: ForwardAuthOptions): Door {
  const surroundings = new Map(
    PROXIES.map((proxy): readonly [ProxyName, Surroundings] => {
      const host = hostOf(proxy);
      const counter = metrics?.counterFor(host) ?? uncounted;
      return [proxy, { logger, counter, limiter, recorder: recorderFor?.(host) }];
    }),
  );
  return ({ url = "", method = "", rawHeaders }) => {
    if (!url.startsWith(DOOR)) return null;
    const asked = /^\/forward-auth\/([a-z]+)(.*)$/s.exec(url);
    const proxy = PROXIES.find((each) => each === asked?.[1]);
    if (proxy === undefined) return plain(404, FORWARD_AUTH_ADVICE);
    const request = { proxy, method, target: asked![2]!, rawHeaders };
    return answer(request, judge(), surroundings.get(proxy)!);
  };
}

export const FORWARD_AUTH_ADVICE = `ask ${DOOR}PROXY, where PROXY is ${PROXIES.join(", ")}`;

/** Why no proxy could be served from a bundle, as a sentence, or null. Where others are served from it, proxies are denied everything. */
export function proxyObjectionTo(
  { program }: Pick<HttpDecider, "program">,
  identity: Identity | undefined,
): string | null {
  const [objection] = [...objections(program, identity), ...undoable(program)];
  if (objection === undefined) return null;
  const where = objection.includes("--identity") ? "" : "; `ipe check --target forward-auth` says where";
  return `forward-auth cannot use the bundle: ${objection}${where}`;
}

/** What its policies do and no proxy would. */
function undoable({ removedNames: [removed], obligationKinds }: HttpDecider["program"]): string[] {
  return [...obligationKinds].flatMap((kind) => {
    const problem = obligationProblem("forward-auth", kind);
    if (problem === null) return [];
    return kind === "removeRequestHeader"
      ? `it removes \`${removed}\`, and ${problem}`
      : `it ${DOES[kind]}, and ${problem}`;
  });
}

const DOES: Readonly<Record<ObligationKind, string>> = {
  setRequestHeader: "sets request headers",
  appendRequestHeader: "appends to request headers",
  removeRequestHeader: "removes request headers",
  setAnswerHeader: "sets headers of denials",
  setResponseHeader: "sets response headers",
  setQueryParameter: "sets query parameters",
  removeQueryParameter: "removes query parameters",
  setMetadata: "sets metadata",
};

function answer(
  asked: Parameters<typeof toNeutral>[0] & { readonly proxy: ProxyName },
  judge: Judge,
  surroundings: Surroundings,
): HttpAnswer | Promise<HttpAnswer> {
  const { settable, proxyObjection } = judge;
  const { proxy } = asked;
  return decideVerified(
    judge,
    {
      request: () => {
        if (proxyObjection !== null) throw new Error(proxyObjection);
        return toNeutral(asked, Date.now());
      },
      answer: (decision, request, decisionId) =>
        toResponse(decision, request, { decisionId, settable, proxy }),
      failure: (decisionId) => failure({ decisionId, settable, proxy }),
    },
    surroundings,
  );
}
