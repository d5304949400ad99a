/** The command line: commands, options, examples. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { TARGETS } from "../../core/index.ts";
import { benchCommand } from "./commands/bench.ts";
import { buildCommand, checkCommand, FORMATS } from "./commands/check.ts";
import { diffCommand } from "./commands/diff.ts";
import { evalCommand } from "./commands/eval.ts";
import { explainCommand } from "./commands/explain.ts";
import { filterConfigCommand } from "./commands/filter-config.ts";
import { fmtCommand } from "./commands/fmt.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { REPORT_FORMATS, testCommand } from "./commands/test.ts";
import { completionScript, SHELLS } from "./completion.ts";
import { addEvidenceOptions } from "./evidence-options.ts";
import { EXIT_INPUT, EXIT_SUCCESS } from "./exit.ts";
import { addBundleOptions } from "./in-force/options.ts";
import { addKong } from "./kong.ts";
import { wholeNumber } from "./numbers.ts";
import { addOperating } from "./operating.ts";
import type { Output } from "./output.ts";
import { addTransportOptions } from "./transport/options.ts";
import { addTrust } from "./trust.ts";
import { VERSION } from "./version.ts";

const DIFF_NOTE = `
Exit codes: 0 the same; 1 different; 2 wrong usage, or a path that cannot be read or has errors.
A search that finds no request is no proof that there is none.`;

const EXIT_CODES = `
Exit codes: 0 success; 1 the policy has errors (nothing is written), would be formatted (fmt --check),
or a test failed; 2 wrong usage, or input that cannot be read or is not valid; 3 the decision is deny
(eval, explain). diff has its own.`;

/** Run one command line; returns the exit code. */
export async function runCommandLine(args: readonly string[], output: Output): Promise<number> {
  let code = EXIT_SUCCESS;
  const program = commandLine(output, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (problem) {
    if (!(problem instanceof CommanderError)) throw problem;
    // Commander has said what is wrong; asking for help or the version is no error.
    return problem.exitCode === 0 ? EXIT_SUCCESS : EXIT_INPUT;
  }
  return code;
}

function commandLine(output: Output, done: (code: number) => void): Command {
  const program = new Command("ipe")
    .description("One policy text, one bundle, the same decision at every hop.")
    .version(VERSION, "-V, --version", "print the version")
    .showHelpAfterError("(ipe --help, or ipe COMMAND --help, says more)")
    .exitOverride()
    .addHelpText("after", EXIT_CODES);
  const commandOf = (
    parent: Command,
    name: string,
    description: string,
    examples: readonly string[],
  ): Command =>
    parent
      .command(name)
      .description(description)
      .exitOverride()
      .showHelpAfterError(
        `(${[...(parent === program ? [] : ["ipe"]), parent.name(), name.split(" ")[0]].join(" ")} --help says more)`,
      )
      .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
  const command = (name: string, description: string, examples: readonly string[]): Command =>
    commandOf(program, name, description, examples);
  const target = (): Option =>
    new Option("--target <target>", "refuse policies that read what this host cannot supply").choices(
      TARGETS,
    );
  const bundle = (): Option =>
    new Option("--bundle <path>", "a bundle, an .ipe file, or a folder of them").makeOptionMandatory();
  const context = (): Option =>
    new Option(
      "--context <file>",
      "the request as JSON (docs/request.schema.json); - reads stdin",
    ).makeOptionMandatory();

  command("check <files...>", "check policy text: .ipe files, or folders of them", [
    "ipe check orders.ipe",
    "ipe check policies/ --target envoy-wasm --strict",
    "ipe check policies/ --watch",
    "ipe check policies/ --format sarif > ipe.sarif",
  ])
    .addOption(target())
    .option("--strict", "warnings are errors")
    .addOption(
      new Option("--format <format>", "how to print the diagnostics (default: text)").choices(FORMATS),
    )
    .option("--json", "the same as --format json")
    .option("--allow-outside", "policies may name files outside of their folders")
    .option("--verbose", "also list the warnings that policies turn off, with their reasons")
    .option("--watch", "check again with every change; with --json one line each time")
    .action(async (files, options) => done(await checkCommand(files, options, output)));
  command("build <files...>", "compile policy text to one bundle", [
    "ipe build orders.ipe -o orders.ipeb",
    "ipe build policies/ -o policies.ipeb --strict",
  ])
    .requiredOption("-o, --output <bundle>", "file to write")
    .addOption(target())
    .option("--strict", "warnings are errors")
    .option("--verbose", "tell what each pass of the optimizer saves")
    .option("--json", "print the result as JSON")
    .option("--allow-outside", "policies may name files outside of their folders")
    .action((files, options) => done(buildCommand(files, options, output)));
  command("fmt <files...>", "format policy text in place: .ipe files, or folders of them; - reads stdin", [
    "ipe fmt policies/",
    "ipe fmt --check policies/",
    "ipe fmt --diff orders.ipe",
    "ipe fmt - < orders.ipe",
  ])
    .option("--check", "write nothing; list the files that differ, and exit with 1 if there are any")
    .option("--diff", "write nothing; print what would change")
    .action((files, options) => done(fmtCommand(files, options, output)));
  command("inspect <bundle>", "show a bundle's digest, policies, sizes and code", [
    "ipe inspect orders.ipeb",
    "ipe inspect orders.ipeb --json",
  ])
    .option("--json", "print as JSON")
    .action((path, options) => done(inspectCommand(path, options, output)));
  command("eval", "decide about a request, with all reasons, as JSON", [
    "ipe eval --bundle orders.ipeb --context request.json",
    "ipe eval --bundle orders.ipe --context - --json < request.json",
  ])
    .addOption(bundle())
    .addOption(context())
    .option("--json", "on one line")
    .action((options) => done(evalCommand(options, output)));
  command("explain", "show what every condition saw and said, and what would make a denied request pass", [
    "ipe explain --policy RequireApproval --bundle orders.ipeb --context request.json",
    "ipe explain --bundle policies/ --context - --json < request.json",
  ])
    .option("--policy <name>", "only this policy or guard")
    .addOption(bundle())
    .addOption(context())
    .option("--no-timings", "measure nothing: the same request gives the same output")
    .option("--json", "print as JSON: the decision, traces and trees of the policies, the required action")
    .action((options) => done(explainCommand(options, output)));
  command("test [paths...]", "run the tests of policies: files, or folders of them (docs/testing.md)", [
    "ipe test policies/",
    "ipe test orders.ipe --filter tenant --watch",
    "ipe test policies/ --coverage-min 100",
    "ipe test policies/ --format junit --output results.xml",
  ])
    .addOption(
      new Option("--format <format>", "form of the report").choices(REPORT_FORMATS).default("pretty"),
    )
    .option("--json", "the same as --format json")
    .option("--output <file>", "write the report to a file, and only the summary to stdout")
    .option("--filter <text>", "only tests whose name, or whose folder's or file's, holds this text")
    .option("--allow-outside", "policies may name files outside of their folders")
    .option("--one-bundle", "all policies named make one bundle, not each folder its own")
    .option("--coverage", "say of each condition how often it was true, false and unknown")
    .addOption(
      new Option("--coverage-min <percent>", "fail below this coverage").argParser((text) =>
        percentage(text),
      ),
    )
    .option("--watch", "run again with every change")
    .action(async (paths, options) => done(await testCommand(paths, options, output)));
  command("diff <old> <new>", "show which policies changed, and requests that are decided differently", [
    "ipe diff policies/ new-policies/",
    "ipe diff deployed.ipeb policies/ --seconds 60 --samples 1000000 --json",
  ])
    .addHelpText("after", DIFF_NOTE)
    .option("--samples <n>", "requests to try at most", wholeNumber("--samples", 0, 1_000_000_000), 20_000)
    .option("--seconds <n>", "seconds to search at most", wholeNumber("--seconds", 0, 86_400), 20)
    .option("--seed <n>", "the same seed tries the same requests", wholeNumber("--seed", 0, 4_294_967_295), 1)
    .option("--witnesses <n>", "requests to show at most", wholeNumber("--witnesses", 1, 1_000), 5)
    .option("--json", "print as JSON")
    .action((from, to, options) => done(diffCommand(from, to, options, output)));
  command("bench <bundle>", "measure what a decision about a request costs on this machine", [
    "ipe bench orders.ipeb --request request.json",
    "ipe bench policies/ --request - --rounds 51 --json < request.json",
  ])
    .addOption(
      new Option(
        "--request <file>",
        "the request as JSON (docs/request.schema.json); - reads stdin",
      ).makeOptionMandatory(),
    )
    .option("--rounds <n>", "rounds to measure", wholeNumber("--rounds", 1, 10_000), 21)
    .option("--round-ms <n>", "length of a round, about", wholeNumber("--round-ms", 1, 10_000), 20)
    .option("--json", "print as JSON")
    .action((path, options) => done(benchCommand(path, options, output)));
  const serve = command(
    "serve",
    "serve Envoy's ext_authz over gRPC, forward-auth and AuthZEN over HTTP; the bundle is watched",
    [
      "ipe serve --bundle orders.ipeb --grpc 127.0.0.1:9191",
      "ipe serve --bundle orders.ipeb --http 127.0.0.1:9192",
      "ipe serve --bundle policies/ --http 127.0.0.1:9192 --authzen tokens.txt --authzen-fact tenant=/subject/properties/tenant",
      "ipe serve --bundle policies/ --http 127.0.0.1:9192 --identity identity.yaml",
      "ipe serve --bundle policies/ --grpc 127.0.0.1:0 --admin 127.0.0.1:9193",
      "ipe serve --bundle orders.ipeb --grpc 127.0.0.1:9191 --store bundles/",
      "ipe serve --bundle orders.ipeb --grpc 127.0.0.1:9191 --decision-log decisions.jsonl",
    ],
  );
  addEvidenceOptions(addTransportOptions(addBundleOptions(serve.addOption(bundle()))))
    .option(
      "--grpc <address>",
      "where to serve ext_authz: HOST:PORT (port 0 is a free one), or unix:/path/to/socket",
    )
    .option("--http <address>", "where to serve forward-auth (docs/forward-auth.md), in the same way")
    .option("--identity <file>", "how tokens and API keys of callers are verified (docs/identity.md)")
    .option(
      "--limiter <url>",
      "count limits in a Redis or Valkey that servers share (default: each by itself)",
    )
    .option("--limiter-password <file>", "its password, where the address has none")
    .option("--limiter-timeout <ms>", "longest wait for it; then what policies say counts (default: 50)")
    .option(
      "--authzen <file>",
      "also answer AuthZEN evaluations at --http (docs/authzen.md), for callers who show a bearer token of this file, one a line",
    )
    .option("--authzen-url <url>", "how callers reach it, for /.well-known/authzen-configuration")
    .option(
      "--authzen-fact <name=pointer>",
      "a fact that callers may state, and where: source.ip=/context/ip; may be repeated",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option(
      "--admin <address>",
      "where to serve operators: /bundle, /metrics, /health (docs/operations.md; default: nowhere)",
    )
    .option(
      "--body-buffered",
      "every route that asks this server sets with_request_body (default: it is taken for granted, with a note)",
    )
    .option(
      "--no-body-buffered",
      "some route does not: a body without content-length is unknown, also an empty one",
    )
    .addOption(
      new Option("--on-error <mode>", "answer when no decision can be made")
        .choices(["deny", "grpc-error", "error-response"])
        .default("deny"),
    )
    .addOption(
      new Option("--log-level <level>", "messages on stderr")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .action(async (options) => {
      // gRPC and the AssemblyScript compiler are slow to load: only the commands that need them do.
      const { serveCommand } = await import("./commands/serve.ts");
      done(await serveCommand(options, output));
    });
  addOperating(command, commandOf, { output, done });
  addTrust(command, { output, done });
  command("lsp", "serve the language server protocol over stdio, for editors (docs/editors.md)", [
    "ipe lsp",
    "ipe lsp --stdio",
  ])
    .option("--stdio", "what it does anyway: some clients say so")
    .addOption(new Option("--clientProcessId <pid>", "what some clients add").hideHelp())
    .action(async () => {
      const { lspCommand } = await import("./commands/lsp.ts");
      done(await lspCommand());
    });
  command("filter", "write the proxy-wasm filter", ["ipe filter -o filter.wasm"])
    .requiredOption("-o, --output <file>", "file to write")
    .action(async (options) => {
      const { filterCommand } = await import("./commands/filter.ts");
      done(await filterCommand(options, output));
    });
  command("filter-config", "print the filter's configuration: Envoy's StringValue, Istio's pluginConfig", [
    "ipe filter-config --bundle orders.ipeb --allow-body",
  ])
    .addOption(bundle())
    .option("--allow-body", "Envoy's PluginConfig sets allow_on_headers_stop_iteration")
    .option(
      "--trust <file>",
      "the filter takes only what a key of this file (PEM) has signed, and BUNDLE.sig goes with it (docs/trust.md); may be repeated",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option("--audience <name>", "for whom it must be signed")
    .option("--bundle-name <name>", "under which name (default: the file's name, without .ipeb)")
    .action((options) => done(filterConfigCommand(options, output)));
  addKong(
    command("kong", "Kong: the files that Kong needs, and the plugin server (docs/kong.md)", [
      "ipe kong init kong/ --bundle orders.ipeb",
      "ipe kong serve --socket /run/ipe/ipe.sock",
    ]),
    commandOf,
    { bundle, output, done },
  );
  command("completion <shell>", `print a completion script: ${SHELLS.join(", ")}`, [
    "ipe completion bash > /etc/bash_completion.d/ipe",
    'eval "$(ipe completion zsh)"',
  ]).action((shell) => {
    output.result(completionScript(shell, program));
    done(EXIT_SUCCESS);
  });
  return program;
}

function percentage(text: string): number {
  if (/^(?:100|[0-9]{1,2})(?:\.[0-9])?$/.test(text) && Number(text) <= 100) return Number(text);
  throw new InvalidArgumentError("It is a number from 0 to 100.");
}
