/** A lab of its own for what is recorded and tested here: the command line as a user runs it, and clients led to its cloud. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { clientsPython } from "../testing";
import { ROOT } from "./places";

const PROGRAM = join(ROOT, "cli", "bin", "sparklab.mjs");

export class OwnLab {
  private readonly environment: NodeJS.ProcessEnv;

  /** @param environment of its commands; without a port of its own the system chooses one */
  constructor(
    readonly folder: string,
    environment: NodeJS.ProcessEnv,
  ) {
    this.environment = { SPARKLAB_PORT: "0", ...environment, SPARKLAB_LAB: folder };
  }

  /** Standard output of a command that goes well, all output of one that fails. */
  async sparklab(...words: string[]): Promise<{ well: boolean; output: string }> {
    const options = { cwd: ROOT, env: this.environment, maxBuffer: 64 << 20 };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...words], options);
      return { well: true, output: stdout };
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      return { well: false, output: stdout + stderr };
    }
  }

  /** What a command that must go well wrote. @throws Error with all its output when it fails */
  async outputOf(...words: string[]): Promise<string> {
    const { well, output } = await this.sparklab(...words);
    if (!well) throw new Error(`sparklab ${words.join(" ")}:\n${output}`);
    return output;
  }

  /** What one of the Python programs beside this file wrote, run as the operator. */
  client(program: string, ...words: string[]): Promise<string> {
    return this.outputOf("exec", "--", clientsPython(), join(__dirname, program), ...words);
  }
}
