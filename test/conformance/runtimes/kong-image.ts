/** A Kong behind HTTP that takes a bundle for each vector by its Admin API: what the client and the upstream see. */
import { objections } from "../../../plugins/kong/index.ts";
import { echoed, echoedQuery, type KongGateway } from "../../kong/image/index.ts";
import type { Case, Want } from "../vectors.ts";
import { exchange, type HttpResponse } from "./http-client.ts";
import { httpBytes } from "./http-form.ts";
import { carriedOut, REFUSED, settable } from "./kong.ts";
import { nginxRefuses, notExpressible } from "./kong-nginx.ts";
import {
  answered,
  type CompiledVector,
  goneFrom,
  type NotExpressible,
  type OpenRuntime,
  type Seen,
} from "./runtime.ts";

/** The runtime; the gateway is the caller's to stop. */
export function kongImage(gateway: KongGateway): OpenRuntime {
  let loaded: CompiledVector | null = null;
  let refusal: string | null = null;
  return {
    judge: async (vector, given) => {
      if (loaded !== vector)
        refusal = await gateway.load({ bundle: Buffer.from(vector.bundle).toString("base64") });
      loaded = vector;
      if (objections(vector.program).length > 0) return refusedBundle(refusal);
      if (refusal !== null) throw new Error(`${vector.name}: Kong refuses the configuration: ${refusal}`);
      // Kong has a route and a service of its own here, and no consumers.
      if (vector.program.slots.some((slot) => slot.read && slot.source === "extension"))
        return { notExpressible: "what Kong has verified" };
      const why = notExpressible(given, vector);
      if (why !== null) return { notExpressible: why };
      const response = await exchange(gateway.port("proxied"), httpBytes(given), gateway.host);
      const refused = nginxRefuses(given);
      if (refused === null) return seenResponse(vector, given, response);
      const asExpected = response.status === refused.status && !response.headers.has("x-ipe-reason");
      return {
        refused: refused.why,
        seen: asExpected
          ? {}
          : { decision: `answered with ${response.status} and not refused` as Want["decision"] },
      };
    },
    close: async () => undefined,
  };
}

function refusedBundle(refusal: string | null): Seen | NotExpressible {
  if (refusal?.includes("check --target kong") === true) return { notExpressible: REFUSED };
  return { decision: `Kong took a bundle that it refuses: ${refusal}` as Want["decision"] };
}

/** `want` is needed only for what a client cannot see: which outcome of a policy it was, and the body of an answer to HEAD. */
function seenResponse({ program }: CompiledVector, { request, want }: Case, response: HttpResponse): Seen {
  const { headers, status, body } = response;
  const reason = headers.get("x-ipe-reason");
  if (reason === undefined) {
    const lines = echoed(response);
    const query = echoedQuery(response);
    if (lines === null)
      return { decision: `answered with ${status} and no reason: ${body.slice(0, 200)}` as Want["decision"] };
    return {
      decision: "allow",
      request_headers: settable(program, lines),
      remove_request_headers: goneFrom(
        want,
        lines.map(([name]) => name),
      ),
      ...carriedOut(program, want, { query, responseHeaders: headers }),
      deny: null,
    };
  }
  const byPolicy = program.policies.list.some((policy) => policy.name === reason);
  return {
    decision: "deny",
    reason: byPolicy
      ? { policy: reason, outcome: want.reason.outcome }
      : { policy: null, outcome: reason as "default" },
    request_headers: {},
    deny: {
      status,
      body: request.method === "HEAD" ? (want.deny?.body ?? null) : bodyOf(response, reason, want),
    },
    answer_headers: answered(want, (name) => headers.get(name)),
  };
}

/** Without a configured body the message is the reason, which a configured one may be too. */
function bodyOf({ body, headers }: HttpResponse, reason: string, want: Want): string | null {
  if (want.answer_headers["content-type"] !== undefined) return body;
  const { message, decision_id } = JSON.parse(body) as Record<string, string>;
  if (decision_id !== headers.get("x-ipe-decision")) return `another id in the body: ${body}`;
  return message === reason && want.deny?.body !== reason ? null : message!;
}
