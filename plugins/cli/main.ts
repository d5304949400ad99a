/** The entry of `ipe`: runs the command line and exits with its code. */
import { EXIT_INPUT, Failure } from "./exit.ts";
import { processOutput } from "./output.ts";
import { runCommandLine } from "./program.ts";

const output = processOutput();
// A reader such as `head` that has seen enough is no error of ours.
process.stdout.on("error", (problem: NodeJS.ErrnoException) =>
  process.exit(problem.code === "EPIPE" ? 0 : EXIT_INPUT),
);

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), output);
} catch (problem) {
  const known = problem instanceof Failure;
  output.message(
    `${output.paint("message", "error", "ipe:")} ${known ? problem.message : `internal error: ${problem instanceof Error ? problem.stack : String(problem)}`}`,
  );
  process.exitCode = known ? problem.code : EXIT_INPUT;
}
