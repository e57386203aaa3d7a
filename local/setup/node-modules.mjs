/** The Node packages: `npm ci` in a folder beside, put in place in one move, so that no half of it is ever there. */
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { onPath } from "./versions.mjs";
import { SetupError } from "./steps.mjs";

/** @returns {import("./steps.mjs").Step} */
export function nodeModulesStep({ root, env }) {
  let known; // asked more than once, and slow enough to be felt at every start
  const matches = () => (known ??= nodeModulesMatch(root));
  return {
    name: "npm",
    title: "Node packages (npm ci)",
    seconds: 45,
    megabytes: 575,
    key: () => "package-lock.json is compared with node_modules itself",
    check: matches,
    adopt: () => (matches() ? {} : undefined),
    run: async ({ folder, exec }) => {
      const lock = readLock(join(root, "package-lock.json"));
      const workspaces = Object.entries(lock).filter(([path]) => path !== "" && !path.startsWith("node_modules/"));
      for (const file of ["package.json", "package-lock.json", ".npmrc"]) copyIfThere(root, folder, file);
      for (const [path, { bin = {} }] of workspaces) {
        for (const file of ["package.json", ...Object.values(bin)]) copyIfThere(root, folder, join(path, file));
      }
      const [command, ...args] = npmCommand(env);
      // Not by --prefix, which would also hide the machine's own npm settings; what cannot be reached is told soon.
      const retries = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
      await exec(command, [...args, "ci", "--no-audit", "--no-fund", ...retries], {
        cwd: folder,
        env: npmEnvironment(env),
      });
      known = undefined;
      // What is in place is moved into the step's folder, which is removed after: a program that runs from it keeps it until then.
      const place = join(root, "node_modules");
      const staged = join(folder, "node_modules");
      mkdirSync(join(folder, "old"));
      if (existsSync(place)) renameSync(place, join(folder, "old", "node_modules"));
      renameSync(staged, place);
      for (const [path, { bin = {} }] of workspaces)
        for (const file of Object.values(bin)) chmodSync(join(root, path, file), 0o755);
      return {};
    },
  };
}

/** npm writes `node_modules/.package-lock.json` last: if it agrees with the lock file, everything is there. */
export function nodeModulesMatch(root) {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const wanted = readLock(join(root, "package-lock.json"));
  const found = readLock(hidden);
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith("node_modules/")) return true;
    // A package for another operating system or processor is in the lock file only.
    if (found[path] === undefined) return entry.optional === true || entry.devOptional === true;
    const same = found[path].version === entry.version && found[path].integrity === entry.integrity;
    return same && existsSync(join(root, path));
  });
}

function readLock(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
}

function copyIfThere(from, to, file) {
  if (!existsSync(join(from, file))) return;
  mkdirSync(dirname(join(to, file)), { recursive: true });
  cpSync(join(from, file), join(to, file));
}

/** The npm that runs us, else the one on PATH. */
function npmCommand(env) {
  if (env.npm_execpath?.endsWith(".js") && existsSync(env.npm_execpath)) return [process.execPath, env.npm_execpath];
  const [npm] = onPath("npm", env.PATH);
  if (npm === undefined)
    throw new SetupError(
      "npm is missing: not on PATH; expected the one that belongs to Node. Install Node again, from https://nodejs.org.",
    );
  return [npm];
}

/** Without what an outer `npm start` tells its scripts, which would lead the inner npm back to our own folder. */
export function npmEnvironment(env) {
  const ours = /^(npm_(lifecycle|package)_|npm_command$|npm_execpath$|npm_config_local_prefix$|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}
