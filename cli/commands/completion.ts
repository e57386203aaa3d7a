/** Prints a shell's completion script. */
import { completionScript } from "../completion";
import type { Context } from "../context";
import { EXIT } from "../exit-codes";
import type { Shell } from "../requests";

export async function completion({ shell }: { shell: Shell }, { terminal }: Context): Promise<number> {
  terminal.raw(completionScript(shell));
  return EXIT.done;
}
