/** Stops the loopback cloud; buckets, tables, batches and stacks stay on disk. */
import { stopCloud } from "../cloud-process";
import type { Context } from "../context";

export async function down({ lab, terminal }: Context): Promise<number> {
  terminal.line(
    (await stopCloud(lab))
      ? "The loopback cloud has stopped; its state stays. npx sparklab up"
      : "The loopback cloud does not run.",
  );
  return 0;
}
