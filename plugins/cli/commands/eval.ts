/** `ipe eval`: a decision about a request in a file. */
import {
  checkAttributeNames,
  type Engine,
  type Explanation,
  type NeutralRequest,
  parseNeutralRequest,
} from "../../../core/index.ts";
import { loadVersion } from "../bundles.ts";
import { EXIT_DENY, EXIT_SUCCESS, Failure } from "../exit.ts";
import { textOf } from "../files.ts";
import type { Output } from "../output.ts";

export interface EvalOptions {
  readonly bundle: string;
  readonly context: string;
  readonly json?: boolean;
}

/** Print the decision with all reasons. */
export function evalCommand(options: EvalOptions, output: Output): number {
  const { engine, request } = load(options, output);
  const explanation = engine.explain(request);
  output.result(
    JSON.stringify(decisionData(explanation, engine.digest), null, options.json === true ? 0 : 2),
  );
  return explanation.decision.allow ? EXIT_SUCCESS : EXIT_DENY;
}

/** The engine and the request of the options; names of attributes are those of the bundle. */
export function load(
  { bundle, context }: EvalOptions,
  output: Output,
): { engine: Engine; request: NeutralRequest } {
  if (bundle === "-" && context === "-") throw new Failure("only one of --bundle and --context can be `-`");
  const { engine } = loadVersion(bundle, output);
  const parsed = parseNeutralRequest(textOf(context));
  if (!parsed.ok) throw new Failure(parsed.errors.map((error) => `${context}: ${error}`).join("\n"));
  const unknown = checkAttributeNames(parsed.request, engine.program);
  if (unknown.length > 0) throw new Failure(unknown.map((error) => `${context}: ${error}`).join("\n"));
  return { engine, request: parsed.request };
}

function decisionData({ decision, policies }: Explanation, digest: string): Record<string, unknown> {
  return {
    decision: decision.allow ? "allow" : "deny",
    reason: decision.reason,
    policies,
    obligations: {
      request_headers: Object.fromEntries(decision.setRequestHeaders.map(({ name, value }) => [name, value])),
      remove_request_headers: decision.removeRequestHeaders,
      deny: decision.denial,
    },
    bundle: digest,
  };
}
