/** The seven lessons as a person runs them: in a session of the lab's own template or as a batch, on the real data. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitFor } from "../local/cloud/services/dataproc/testing";

const MINUTES = 60_000;
const ROOT = resolve(__dirname, "..");
const lab = mkdtempSync(join(tmpdir(), "sparklab-notebooks-"));
const env = { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" };

/** One CLI command; its output whether it fails or not. */
async function sparklab(...words: string[]): Promise<{ code: number; out: string }> {
  const command = [join(ROOT, "cli", "bin", "sparklab.mjs"), ...words];
  const done = promisify(execFile)(process.execPath, command, { cwd: ROOT, env, maxBuffer: 64 << 20 });
  const { stdout, stderr, code } = await done.then(
    (outputs) => ({ ...outputs, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code, out: stripVTControlCharacters(stdout + stderr) };
}

interface Notebook {
  cells: { cell_type: string; outputs?: { output_type: string; data?: object }[] }[];
}

beforeAll(async () => {
  const { code, out } = await sparklab("up", "--json");
  if (code !== 0) throw new Error(out);
}, 5 * MINUTES);
afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true, maxRetries: 5 });
}, MINUTES);

test(
  "all lessons run in a session of the template, show data and plots, and leave rows that the next ones read",
  async () => {
    const { code, out } = await sparklab("notebook", "--execute");
    expect(out).toContain("of template sparklab-local-notebook");
    const lessons = readdirSync(join(ROOT, "notebooks")).filter((file) => file.endsWith(".ipynb"));
    for (const lesson of lessons) expect(out).toMatch(new RegExp(`^${lesson.replace(".ipynb", "")}: done`, "m"));
    expect(code).toBe(0);
    for (const lesson of lessons) {
      const executed = readFileSync(join(lab, "notebooks", "executed", lesson), "utf8");
      const shown = (JSON.parse(executed) as Notebook).cells.flatMap(({ outputs = [] }) => outputs);
      const kinds = new Set(shown.flatMap(({ data = {} }) => Object.keys(data)));
      expect({ lesson, plot: kinds.has("image/png") }).toEqual({ lesson, plot: true });
    }
    expect(statSync(join(lab, "notebooks")).mode & 0o077).toBe(0);
  },
  10 * MINUTES,
);

test(
  "a lesson runs as a batch of its own, as the paused schedule would have it, and is kept with its plots",
  async () => {
    const { code, out } = await sparklab("notebook", "run", "01-explore");
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^ {2}SUCCEEDED$/m) });
    const [, file = ""] = /^ {2}kept (.+)$/m.exec(out) ?? [];
    const { cells } = JSON.parse(readFileSync(file, "utf8")) as Notebook;
    expect(JSON.stringify(cells)).toContain('"image/png"');
    const unknown = await sparklab("notebook", "run", "08-none", "-p", "one");
    expect([unknown.code, unknown.out]).toEqual([2, expect.stringContaining("got one; expected name=value")]);
  },
  4 * MINUTES,
);

test(
  "JupyterLab answers to its token alone, has the session's kernel, and its end is the session's",
  async () => {
    const words = [join(ROOT, "cli", "bin", "sparklab.mjs"), "notebook"];
    // A group of its own, as in a terminal, where Ctrl-C reaches all of it.
    const child = spawn(process.execPath, words, {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    let out = "";
    const url = await new Promise<URL>((resolve) =>
      child.stdout.on("data", (chunk: Buffer) => {
        out += stripVTControlCharacters(chunk.toString());
        const [found] = /http:\/\/127\.0\.0\.1:\d+\/lab\?token=\S+/.exec(out) ?? [];
        if (found) resolve(new URL(found));
      }),
    );
    const ask = (token: string) => fetch(`${url.origin}/api/kernelspecs?token=${token}`);
    const first = await waitFor(
      () => ask("wrong").catch(() => undefined),
      (answer) => answer !== undefined,
    );
    expect(first?.status).toBe(403);
    const answer = await ask(url.searchParams.get("token")!);
    expect(await answer.json()).toMatchObject({
      kernelspecs: { python3: { spec: { display_name: "Spark lab" } } },
    });
    process.kill(-child.pid!, "SIGINT");
    await ended;
    expect(out).toContain("The session has ended");
  },
  3 * MINUTES,
);

test(
  "a template or a lesson that is not there is refused by its name",
  async () => {
    const template = await sparklab("notebook", "--template", "other", "--execute");
    expect([template.code, template.out]).toEqual([2, expect.stringContaining("Session of template other: ")]);
    const lesson = await sparklab("notebook", "--execute", "08-none");
    expect([lesson.code, lesson.out]).toEqual([2, expect.stringContaining("got 08-none; expected 01-explore")]);
    const batch = await sparklab("notebook", "run", "08-none");
    expect([batch.code, batch.out]).toEqual([2, expect.stringContaining("got 08-none; expected 01-explore")]);
  },
  MINUTES,
);
