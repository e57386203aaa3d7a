/** Prints docs/cli.md. */
import type { Context } from "../context";
import { EXIT } from "../exit-codes";
import { reference as markdown } from "../reference";

export async function reference({ terminal }: Context): Promise<number> {
  terminal.raw(markdown());
  return EXIT.done;
}
