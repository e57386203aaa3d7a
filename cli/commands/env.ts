/** The variables that lead every Google client to the loopback cloud: printed, or set for one command. */
import { printExports } from "../../local/cloud/door/client-environment";
import { cloudEnvironment, spawnInherited, type Context } from "../context";

export async function env({ json }: { json: boolean }, { lab, terminal }: Context): Promise<number> {
  const variables = cloudEnvironment(lab);
  terminal.raw(json ? `${JSON.stringify(variables, null, 2)}\n` : printExports(variables));
  return 0;
}

export async function exec({ words }: { words: string[] }, context: Context): Promise<number> {
  const [command, ...rest] = words;
  return spawnInherited(command!, rest, { ...context.environment, ...cloudEnvironment(context.lab) });
}
