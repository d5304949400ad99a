/** What each target can carry out of what policies do on an allow. docs/targets.md is generated from this table, too. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { HeaderAction, PolicyDeclaration } from "../syntax/ast.ts";
import type { Target } from "./targets.ts";

/** What an allow can do, by the names of the format. */
export type ActionKind =
  | "setRequestHeader"
  | "appendRequestHeader"
  | "removeRequestHeader"
  | "setResponseHeader"
  | "setQueryParameter"
  | "removeQueryParameter"
  | "setMetadata";

/** One thing that policies do, and why a target cannot; a target that is not named can. */
export interface Ability {
  readonly kinds: readonly ActionKind[];
  /** As policies say it. */
  readonly does: string;
  readonly missing: Readonly<Partial<Record<Target, string>>>;
  /** What it is where it is not what its name says. */
  readonly remark: string | null;
}

const NO_HTTP = "a connection has nothing of HTTP";
const ONLY_HEADERS =
  "a proxy only puts headers of the answer in the place of the request's, and cannot be told to do anything else";

export const ABILITIES: readonly Ability[] = [
  {
    kinds: ["setRequestHeader", "appendRequestHeader"],
    does: "`set` and `append` of request headers",
    missing: { "envoy-network": NO_HTTP },
    remark: null,
  },
  {
    kinds: ["removeRequestHeader"],
    does: "`remove request header`",
    missing: {
      "forward-auth":
        "a proxy only puts headers of the answer in the place of the request's, and cannot be told to remove one",
      "envoy-network": NO_HTTP,
    },
    remark: null,
  },
  {
    kinds: ["setResponseHeader"],
    does: "`set response header` on an allow",
    missing: { "forward-auth": ONLY_HEADERS, "envoy-network": NO_HTTP },
    remark: null,
  },
  {
    kinds: ["setQueryParameter", "removeQueryParameter"],
    does: "`set` and `remove query parameter`",
    missing: { "forward-auth": ONLY_HEADERS, "envoy-network": NO_HTTP },
    remark: null,
  },
  {
    kinds: ["setMetadata"],
    does: "`set metadata`",
    missing: { "forward-auth": ONLY_HEADERS },
    remark:
      "Envoy's wasm filter: in the filter state `wasm.ipe`; Kong: for log plugins, and in `kong.ctx.shared`",
  },
];

/** Why a target cannot carry it out, or null. */
export function obligationProblem(target: Target, kind: string): string | null {
  return ABILITIES.find(({ kinds }) => kinds.some((each) => each === kind))?.missing[target] ?? null;
}

/** Report every action that the target cannot carry out. */
export function checkActionsAt(target: Target, { onAllow }: PolicyDeclaration, report: Diagnostics): void {
  for (const action of onAllow) {
    const problem = obligationProblem(target, kindOf(action));
    if (problem === null) continue;
    report.error(
      "unsupported-by-target",
      action.span,
      `${target} cannot ${VERBS[action.kind]} \`${action.header.value}\`: ${problem}`,
      action.kind === "remove"
        ? "let the proxy's own configuration remove it, or set it to an empty value where nobody reads it"
        : "let the proxy's own configuration or the upstream do it",
    );
  }
}

const VERBS = { set: "set", append: "append to", remove: "remove" } as const;

function kindOf({ kind, target }: HeaderAction): ActionKind {
  if (target === "metadata") return "setMetadata";
  if (target === "query parameter") return kind === "remove" ? "removeQueryParameter" : "setQueryParameter";
  if (target === "response header") return "setResponseHeader";
  return `${kind}RequestHeader`;
}
