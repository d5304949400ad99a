/** Completion scripts, made from the commands themselves. */
import type { Command } from "commander";
import { Failure } from "./exit.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

/** The script for a shell. */
export function completionScript(shell: string, program: Command): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: [command, ...command.commands].flatMap((each) => [
      ...(each === command ? [] : [each.name()]),
      ...each.options.map((option) => option.long ?? option.short ?? ""),
    ]),
  }));
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return commands
        .flatMap(({ name, description, options }) => [
          `complete -c ipe -n __fish_use_subcommand -a ${name} -d '${description.replaceAll("'", "")}'`,
          ...options.map(
            (option) =>
              `complete -c ipe -n '__fish_seen_subcommand_from ${name}' ${option.startsWith("-") ? "-l" : "-a"} ${option.replace(/^-+/, "")}`,
          ),
        ])
        .join("\n");
    default:
      throw new Failure(`there is no completion for \`${shell}\`; choose one of ${SHELLS.join(", ")}`);
  }
}

function bash(commands: readonly { readonly name: string; readonly options: readonly string[] }[]): string {
  const cases = commands.map(({ name, options }) => `    ${name}) words="${options.join(" ")}" ;;`);
  return `_ipe() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -o filenames -F _ipe ipe`;
}
