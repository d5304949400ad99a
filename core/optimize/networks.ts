/** Networks of one address united: `ip in A or ip in B`, without those that lie in another one. */
import type { Condition } from "../plan/plan.ts";
import type { ConstantValue } from "../schema/schema.ts";
import { isMapped, parseAddress, parseNetwork } from "../source/address.ts";
import { literal, negatedIf } from "./conditions.ts";

/** Networks that are compared with each other; beyond it they all stay. */
const NETWORKS_MAX = 64;

interface Network {
  readonly constant: ConstantValue;
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** One test for several `in-set` of one ip; with `negated` for their negations, which `and` joins. */
export function networkUnion(negated: boolean, parts: readonly Condition[]): Condition | null {
  const tests = parts.map((part) => literal(part).test);
  const [first] = tests;
  if (first?.kind !== "in-set") return null;
  const networks = tests.flatMap((test) => (test.kind === "in-set" ? test.set.map(networkOf) : []));
  if (networks.length > NETWORKS_MAX || networks.includes(null)) return null;
  const all = networks as readonly Network[];
  const left = all.filter(
    (network, i) =>
      !all.some((other, j) => i !== j && covers(other, network) && (j < i || !covers(network, other))),
  );
  return negatedIf(negated, { ...first, set: left.map(({ constant }) => constant) });
}

function networkOf(constant: ConstantValue): Network | null {
  if (constant.kind !== "ip" && constant.kind !== "cidr") return null;
  const address = parseAddress(constant.value);
  if (address !== null) return { constant, bytes: address, prefix: 128 };
  const network = parseNetwork(constant.value);
  return "error" in network ? null : { constant, ...network };
}

/** Does the first hold every address of the second? A network of v6, however large, holds no address of v4. */
function covers(a: Network, b: Network): boolean {
  if (a.prefix > b.prefix || (a.prefix < 96 && isMapped(b.bytes))) return false;
  for (let bit = 0; bit < a.prefix; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((a.bytes[bit >> 3]! ^ b.bytes[bit >> 3]!) & mask) !== 0) return false;
  }
  return true;
}
