/** Makes a batch job of a notebook; what it makes is decided in Python, where the notebooks' own package is. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { readTools } from "../../local/engines/tools";
import { spawnInherited, type Context } from "../context";
import { UserError } from "../lab";
import type { PromoteRequest } from "../requests";

export async function promote(request: PromoteRequest, { lab, environment }: Context): Promise<number> {
  const file = resolve(request.notebook);
  if (!file.endsWith(".ipynb") || !existsSync(file))
    throw new UserError(`Notebook: got ${request.notebook}; expected an .ipynb file that exists, as in notebooks/.`);
  const program = join(lab.root, "pyspark", "promote_notebook.py");
  const words = [program, file, ...(request.force ? ["--force"] : [])];
  return spawnInherited(readTools().python.clients, words, { ...environment, PYTHONDONTWRITEBYTECODE: "1" });
}
