/** What a policy's limits count, and by what. */
import type { Type } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { LIMIT_BURST_MAX, LIMIT_FILL_SECONDS_MAX, LIMIT_KEYS_MAX, LIMITS_MAX } from "../source/gen/facts.ts";
import type { Limit, LimitPeriod, PolicyDeclaration } from "../syntax/ast.ts";
import type { Resolutions } from "./check.ts";
import { canAllow } from "./policies.ts";

const PERIOD_MICROS: Readonly<Record<LimitPeriod, number>> = {
  second: 1e6,
  minute: 60e6,
  hour: 3600e6,
  day: 86_400e6,
};
/** Whose values are counted apart. */
const COUNTABLE: readonly Type["kind"][] = ["string", "int", "bool", "enum", "ip"];

/** Microseconds until one token comes back. */
export function intervalOf({ amount, period }: Limit): number {
  return PERIOD_MICROS[period] / amount.value;
}

/** Tokens in a full bucket. */
export function burstOf({ amount, burst }: Limit): number {
  return burst?.value ?? amount.value;
}

export function checkLimits(policy: PolicyDeclaration, resolutions: Resolutions, report: Diagnostics): void {
  const { limits, onLimiterFailure } = policy;
  if (onLimiterFailure !== null && limits.length === 0)
    report.error(
      "idle-limits",
      onLimiterFailure.span,
      "`on limiter failure` in a policy without limits",
      "add `limits`, or remove it",
    );
  if (limits.length === 0) return;
  if (!canAllow(policy))
    report.error(
      "idle-limits",
      limits[0]!.span,
      "limits are taken from when a policy allows, and this one never does",
      "put them into a `policy` that `allows` or `requires`",
    );
  if (limits.length > LIMITS_MAX)
    report.error(
      "bad-limit",
      limits[LIMITS_MAX]!.span,
      `more than ${LIMITS_MAX} limits in one policy`,
      "write several policies",
    );
  for (const limit of limits) {
    checkNumbers(limit, report);
    checkKeys(limit, policy, resolutions, report);
  }
}

function checkNumbers(limit: Limit, report: Diagnostics): void {
  for (const quantity of [limit.amount, limit.burst]) {
    if (quantity === null || (quantity.value >= 1 && quantity.value <= LIMIT_BURST_MAX)) continue;
    report.error(
      "bad-limit",
      quantity.span,
      `a limit counts from 1 to ${LIMIT_BURST_MAX} whole requests`,
      "to deny everything, write a policy that `denies`",
    );
    return;
  }
  if (burstOf(limit) * intervalOf(limit) > LIMIT_FILL_SECONDS_MAX * 1e6)
    report.error(
      "bad-limit",
      limit.span,
      "an empty bucket would take more than a year to fill",
      "write a smaller `burst`, or more in a period",
    );
}

function checkKeys(
  { by }: Limit,
  policy: PolicyDeclaration,
  { names }: Resolutions,
  report: Diagnostics,
): void {
  if (by.length > LIMIT_KEYS_MAX)
    report.error(
      "bad-limit",
      by[LIMIT_KEYS_MAX]!.span,
      `a limit counts by ${LIMIT_KEYS_MAX} attributes at most`,
      "leave some out",
    );
  for (const { path, span } of by) {
    const found = names.get(path);
    if (found === undefined) continue;
    if (found.kind !== "attribute" || !COUNTABLE.includes(found.type.kind)) {
      report.error(
        "bad-limit",
        span,
        `nothing can be counted by \`${path.text}\``,
        "count by a string, an int, a bool, an enum or an ip of the request",
      );
    } else if (found.attribute.marking === "claimed" && policy.kind === "policy")
      report.warning(
        "claimed-limit",
        span,
        `the limit counts by \`${path.text}\`, which the client chooses: with another value it has a full bucket`,
        "count by something verified, such as `source.ip` or a claim `from jwt`, or add a second limit without `by`",
      );
  }
}
