import { type Decision, type NeutralRequest, NO_EFFECTS } from "../../core/index.ts";
import type { Decider } from "./config.ts";

/** An allow that sets these headers. */
export function allow(setRequestHeaders: Decision["setRequestHeaders"] = []): Decision {
  return {
    allow: true,
    reason: { policy: "Open", outcome: "satisfied" },
    setRequestHeaders,
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: null,
  };
}

/** A denial of policy `Closed`. */
export function deny(denial: Partial<NonNullable<Decision["denial"]>> = {}): Decision {
  return {
    allow: false,
    reason: { policy: "Closed", outcome: "denied" },
    setRequestHeaders: [],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: { status: 403, body: null, headers: [], ...denial },
  };
}

/** An engine that decides by a function, for tests of what is around an engine. */
export function fakeEngine(
  decide: (request: NeutralRequest) => Decision,
  overrides: Partial<Decider> = {},
): Decider {
  return {
    digest: `sha256:${"0".repeat(64)}`,
    headerNames: [],
    program: { slots: [], queryNames: [] },
    decide,
    ...overrides,
  };
}
