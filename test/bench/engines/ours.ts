/** Our interpreter. */
import { engineOf } from "../../engine.ts";
import type { Contender } from "./contender.ts";
import type { Scenario } from "./scenario.ts";

/** One engine for each request keeps its slots loaded; another one takes all requests. */
export function ours({ policy, requests }: Pick<Scenario<unknown>, "policy" | "requests">): Contender {
  const { engine } = engineOf(policy);
  const loaded = requests.map((request) => {
    const { engine: one } = engineOf(policy);
    one.decide(request);
    return one;
  });
  return {
    ready: (i) => loaded[i]!.decideAgain().allow,
    whole: (i) => engine.decide(requests[i]!).allow,
  };
}
