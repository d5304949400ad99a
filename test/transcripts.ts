/** What `console` blocks of a page show. */

export interface Transcript {
  readonly command: string;
  readonly output: string;
}

/** Commands of all blocks in order, each with what follows it. */
export function transcriptsOf(page: string): Transcript[] {
  return [...page.matchAll(/^```console\n(.*?)^```/gms)].flatMap((block) =>
    block[1]!
      .split(/^\$ /m)
      .filter((part) => part !== "")
      .map((part) => ({
        command: part.slice(0, part.indexOf("\n")),
        output: part.slice(part.indexOf("\n") + 1),
      })),
  );
}
