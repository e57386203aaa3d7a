/** Steps that end in a Python: the interpreter, uv, and the environments that uv makes from the lock files. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "./child.mjs";
import { keyOf } from "./files.mjs";
import { SetupError } from "./steps.mjs";
import { explainVenvFailure, findPython, identity, pythonCandidates } from "./versions.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** A file of the folder `python/`: a lock file or a script. */
export const python = (name) => join(here, "python", name);

export function pythonStep({ env }) {
  return {
    name: "python",
    title: "Python",
    seconds: 0.2,
    megabytes: 0,
    key: () => keyOf([], pythonCandidates(env.PATH)),
    check: (result) => existsSync(result.path),
    run: async () => findPython({ path: env.PATH }),
  };
}

export function uvStep({ env, tools }) {
  return {
    name: "uv",
    title: "uv",
    needs: ["python"],
    seconds: 7,
    megabytes: 75,
    output: "uv",
    key: ({ python: { path, version } }) => keyOf([python("uv.txt")], identity(path), version),
    check: () => existsSync(join(tools, "uv", "bin", "uv")),
    run: async ({ folder, results, exec }) => {
      try {
        await exec(results.python.path, ["-m", "venv", folder], { env });
      } catch (error) {
        const fix =
          error instanceof CommandError ? explainVenvFailure(error.output, results.python.version) : undefined;
        throw fix === undefined ? error : new SetupError(fix);
      }
      const install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--no-deps",
        "--require-hashes",
        "-r",
        python("uv.txt"),
      ];
      await exec(join(folder, "bin", "python"), install, { env });
      return {};
    },
  };
}

/**
 * `after`: what is still to do in the new environment; `scripts`: the files in `python/` that do it. `late`: whoever
 * waits for set-up does not wait for this one. `onDemand`: set-up makes it only when it is asked for.
 */
export function environmentStep({ tools, env }, description) {
  const { name, title, needs, seconds, megabytes, after, scripts = [], late, onDemand } = description;
  const lock = python(`${name}.txt`);
  return {
    name,
    title,
    needs: ["python", "uv", ...needs],
    seconds,
    megabytes,
    ...(late && { late }),
    ...(onDemand && { onDemand }),
    output: join("python", name),
    key: ({ python: { path, version } }) =>
      keyOf([lock, python("build.txt"), ...scripts.map(python)], identity(path), version),
    check: (result) => existsSync(resolve(tools, result.interpreter)),
    run: async (context) => {
      const { folder, results, exec } = context;
      const uv = join(tools, "uv", "bin", "uv");
      const interpreter = join(folder, "bin", "python");
      await exec(uv, ["venv", "--relocatable", "--allow-existing", "--python", results.python.path, folder], { env });
      // pyspark comes as source: its wheel is packed without compression, because it is unpacked at once (8 s less work).
      const stored = "--config-settings-package=pyspark:--build-option=--compression=stored";
      const build = ["--build-constraints", python("build.txt"), stored];
      const sync = ["pip", "sync", "--require-hashes", ...build, "--python", interpreter, lock];
      await exec(uv, sync, { env });
      const more = await after?.(context, env);
      return { interpreter: join("python", name, "bin", "python"), ...more };
    },
  };
}

export async function installExtensions({ folder, exec }, env) {
  const home = join(folder, "home");
  mkdirSync(home);
  await exec(join(folder, "bin", "python"), [python("install_extensions.py")], { env: { ...env, HOME: home } });
  return { home: join("python", "bigquery", "home") };
}

/** Installs one locked package, without what it needs, as plain files in a folder. */
export async function unpackPackage({ folder, results, exec }, { tools, env, name }) {
  const args = [
    "pip",
    "install",
    "--no-deps",
    "--require-hashes",
    "--python",
    results.python.path,
    "--target",
    folder,
    "-r",
    python(`${name}.txt`),
  ];
  await exec(join(tools, "uv", "bin", "uv"), args, { env });
}
