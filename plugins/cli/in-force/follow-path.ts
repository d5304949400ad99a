/** The path of `--bundle` while the server runs: what changes there is offered, and SIGHUP offers what lies there. */
import { EXIT_POLICY_ERRORS, Failure } from "../exit.ts";
import type { Output } from "../output.ts";
import { type FirstLook, type Watched, watchVersions } from "../watch.ts";
import { candidateAt } from "./at-path.ts";
import type { InForce } from "./in-force.ts";
import { testsText } from "./policy-tests.ts";

/** Said and recorded already. */
class AlreadyRefused extends Failure {}

export async function followPath(
  path: string,
  look: FirstLook,
  inForce: InForce,
  output: Output,
): Promise<Watched> {
  const versions = await watchVersions(
    path,
    look,
    {
      changed: async (version, occasion) => {
        const offered = await inForce.offer(candidateAt(path, version, occasion));
        if (offered.result === "refused") throw new AlreadyRefused(offered.reason);
        if (offered.result === "accepted")
          output.message(`policy ${offered.digest} is in force; ${testsText(offered.tests)}`);
        else if (occasion === "signal")
          output.message(`SIGHUP: \`${path}\` is unchanged: policy ${offered.digest} is in force already`);
      },
      refused: async (problem, occasion) => {
        if (!(problem instanceof AlreadyRefused))
          await inForce.refuse({ how: occasion, who: null, name: path }, causeOf(problem), problem);
      },
    },
    output,
  );
  const reload = (): void => void versions.reload();
  process.on("SIGHUP", reload);
  return {
    stop: () => {
      process.off("SIGHUP", reload);
      return versions.stop();
    },
  };
}

/** What cannot be used before it is offered: text with errors, or what is no sound bundle. */
export function causeOf(problem: unknown): "text" | "bundle" {
  return problem instanceof Failure && problem.code === EXIT_POLICY_ERRORS ? "text" : "bundle";
}
