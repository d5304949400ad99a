/** Values of a file that people write, taken member by member; what is wrong is collected with its place. */
import type { FileMember, FileProblem, FileValue } from "../../core/index.ts";

export type Members = ReadonlyMap<string, FileMember>;
export type Place = Pick<FileValue, "line" | "column">;

export class FileReader {
  readonly problems: FileProblem[] = [];

  problem({ line, column }: Place, message: string): void {
    this.problems.push({ line, column, message });
  }

  /** Members by name. One that is not among `names`, or stands there twice, is a problem. `names` null: any. */
  members(value: FileValue, what: string, names: readonly string[] | null): Members {
    const found = new Map<string, FileMember>();
    if (value.kind !== "object") this.problem(value, `${what} must be an object`);
    for (const member of value.kind === "object" ? value.members : []) {
      if (names !== null && !names.includes(member.name))
        this.problem(member, `${what} has no member \`${member.name}\`: its members are ${names.join(", ")}`);
      else if (found.has(member.name)) this.problem(member, `a second \`${member.name}\``);
      else found.set(member.name, member);
    }
    return found;
  }

  /** A text that is not empty; reported, and empty, where it is none. */
  text(value: FileValue, what: string): string {
    if (value.kind === "text" && value.text !== "") return value.text;
    this.problem(value, `${what} must be a text that is not empty`);
    return "";
  }

  /** Of a member that may be missing. */
  optionalText(members: Members, name: string): string | null {
    const member = members.get(name);
    return member === undefined ? null : this.text(member.value, `\`${name}\``);
  }

  /** A member that must be there. */
  requiredText(members: Members, name: string, place: Place): string {
    const text = this.optionalText(members, name);
    if (text === null) this.problem(place, `\`${name}\` is missing`);
    return text ?? "";
  }

  items(value: FileValue, what: string): readonly FileValue[] {
    if (value.kind === "array") return value.items;
    this.problem(value, `${what} must be a list`);
    return [];
  }

  texts(value: FileValue, what: string): readonly string[] {
    return this.items(value, what).map((item) => this.text(item, `an item of ${what}`));
  }

  /** A whole number of seconds between two others, in seconds; `otherwise` where the member is missing. */
  seconds(
    members: Members,
    name: string,
    { min, max, otherwise }: { readonly min: number; readonly max: number; readonly otherwise: number },
  ): number {
    const value = members.get(name)?.value;
    if (value === undefined) return otherwise;
    const seconds = value.kind === "number" ? Number(value.spelling) : Number.NaN;
    if (Number.isInteger(seconds) && seconds >= min && seconds <= max) return seconds;
    this.problem(value, `\`${name}\` must be a whole number from ${min} to ${max}`);
    return otherwise;
  }
}
