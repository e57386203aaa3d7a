/** Prints the dependency graph of a stack: npx sparklab graph | dot -Tsvg > graph.svg */
import type { Context } from "../context";
import { readState, resourcesOf } from "../deployment-state";
import { EXIT } from "../exit-codes";
import { dot, mermaid } from "../graph";

export async function graph(request: { stack: string; mermaid: boolean }, { lab, terminal }: Context): Promise<number> {
  const resources = resourcesOf(await readState(lab, request.stack));
  terminal.raw(request.mermaid ? mermaid(resources) : dot(resources));
  return EXIT.done;
}
