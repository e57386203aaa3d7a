/** What set-up leaves out until somebody asks for it: installed, or brought to its lock file, before it is used. */
import { join } from "node:path";
import { cloudEnvironment, spawnInherited, type Context } from "./context";
import { LOCAL_STACK } from "./lab";

/**
 * Only for the local stack: in another environment the service has it. Packages come from the network, not from the
 * loopback cloud, wherever the caller's own variables lead.
 * @returns the exit code of the set-up, which has told what went wrong
 */
export async function install(
  part: "airflow" | "notebooks",
  stack: string,
  { lab, environment }: Context,
): Promise<number> {
  if (stack !== LOCAL_STACK) return 0;
  const led = cloudEnvironment(lab);
  const own = Object.entries(environment).filter(([name, value]) => led[name] !== value);
  const words = [join(lab.root, "local", "setup", "add.mjs"), part];
  return spawnInherited(process.execPath, words, Object.fromEntries(own), lab.root);
}
