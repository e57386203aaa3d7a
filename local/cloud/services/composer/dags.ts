/** Keeps the folder that an Airflow reads its DAGs from as `dags/` of the environment's bucket is. */
import { copyFile, mkdir, readdir, readFile, rename, rm, utimes } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { Cloud } from "../../cloud";
import { listObjects, localPath } from "../storage/objects";

const PREFIX = "dags/";
/** What was copied, by path: outside the folder, so that no DAG is looked for in it. */
const listOf = (folder: string) => `${folder}.json`;
type Generations = Record<string, string>;

/** Copies what is new, removes what is gone. Parts of one DAG may have changed: Airflow is to parse all of them again. */
export async function copyDags(cloud: Cloud, bucket: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = await readGenerations(folder);
  const found: Generations = {};
  for (const { name, generation } of await listObjects(cloud, bucket, PREFIX)) {
    const path = name.slice(PREFIX.length);
    if (path !== "" && !path.endsWith("/") && isInside(folder, path)) found[path] = generation;
  }
  const changed = Object.keys(found).filter((path) => known[path] !== found[path]);
  const gone = Object.keys(known).filter((path) => !(path in found));
  if (changed.length === 0 && gone.length === 0) return;
  for (const path of changed) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await copyFile(await localPath(cloud, bucket, `${PREFIX}${path}`), `${target}.draft`);
    await rename(`${target}.draft`, target);
  }
  for (const path of gone) await rm(join(folder, path), { force: true });
  const now = cloud.now();
  for (const path of Object.keys(found).filter((name) => name.endsWith(".py")))
    await utimes(join(folder, path), now, now);
  // Bytecode of a module that was replaced within a second would be taken for the new one's.
  for (const entry of await readdir(folder, { recursive: true }))
    if (entry.endsWith("__pycache__")) await rm(join(folder, entry), { recursive: true, force: true });
  await writeFileAtomic(listOf(folder), JSON.stringify(found), { mode: 0o600 });
}

/** An object's name may be anything, `../x` too. */
const isInside = (folder: string, path: string) => resolve(folder, path).startsWith(resolve(folder) + sep);

async function readGenerations(folder: string): Promise<Generations> {
  try {
    return JSON.parse(await readFile(listOf(folder), "utf8")) as Generations;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
