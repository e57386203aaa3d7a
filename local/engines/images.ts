/**
 * Builds images of Dockerfiles without a container runtime: the files in their places below a folder, Python packages in
 * a virtual environment, and the program that the image starts. The list of images is written last and whole, so that a
 * build that was interrupted has built nothing.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { readDockerfile, type Recipe } from "./images-dockerfile";
import type { ImageBuild, ImageEngine } from "./interface";
import { unpack } from "./servers-archive";
import { builtImages, forgetImages, registerImage, type BuiltImage } from "./images-list";

const DOCKERFILE = "Dockerfile";
/** Packages of data science take a while where the network is slow. */
const PIP_MS = 20 * 60_000;

export interface ImageEngineSettings {
  /** Makes virtual environments. */
  python: string;
  /** The cloud's folder. */
  folder: string;
}

export function createImageEngine({ python, folder }: ImageEngineSettings): ImageEngine {
  return {
    build: (build) => buildImage(build, python, folder),
    list: () => builtImages(folder),
    remove: (prefix) => removeImages(prefix, folder),
  };
}

async function buildImage(
  { archive, reference, log, signal }: ImageBuild,
  python: string,
  folder: string,
): Promise<BuiltImage> {
  const bytes = await readFile(archive);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const home = join(folder, "images", createHash("sha256").update(`${reference}@${digest}`).digest("hex").slice(0, 24));
  const [context, root] = [join(home, "context"), join(home, "root")];
  await rm(home, { recursive: true, force: true });
  await unpack(archive, context, DOCKERFILE);
  const recipe = readDockerfile(await readFile(join(context, DOCKERFILE), "utf8"));
  for (const line of recipe.ofTheSystem) log(`of the container's system, for which this machine's stands: ${line}`);
  await mkdir(join(root, recipe.workingFolder), { recursive: true, mode: 0o700 });
  for (const copy of recipe.copies) await copyFiles(copy, context, root);
  for (const environment of recipe.environments) await install(environment, root, { python, log, signal });
  const image: BuiltImage = {
    folder: join(root, recipe.workingFolder),
    ...(recipe.command ? { command: recipe.command } : {}),
    ...interpreterOf(recipe, root),
    environment: recipe.variables,
    digest,
    builtAt: new Date().toISOString(),
    bytes: await sizeOf(home),
  };
  await registerImage(folder, reference, image);
  return image;
}

/** Out of the list first: what is in it has its files. */
async function removeImages(prefix: string, folder: string): Promise<void> {
  const images = Object.entries(builtImages(folder)).filter(([reference]) => reference.startsWith(prefix));
  await forgetImages(folder, prefix);
  const homes = join(folder, "images");
  for (const [, image] of images) {
    const [home = ".."] = relative(homes, image.folder).split(sep);
    if (home !== "..") await rm(join(homes, home), { recursive: true, force: true });
  }
}

async function copyFiles({ from, to }: Recipe["copies"][number], context: string, root: string): Promise<void> {
  const isFolder = to.endsWith("/") || from.length > 1;
  for (const file of from) {
    const target = join(root, isFolder ? join(to, basename(file)) : to);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await cp(join(context, file), target, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT" ? new Error(`Dockerfile: COPY ${file}: not in the archive`) : error;
    });
  }
}

async function install(
  { path, requirements }: Recipe["environments"][number],
  root: string,
  { python, log, signal }: Pick<ImageBuild, "log" | "signal"> & { python: string },
): Promise<void> {
  const place = join(root, path);
  const execute = promisify(execFile);
  log(`python -m venv ${path}`);
  await execute(python, ["-m", "venv", place], { signal });
  for (const file of requirements) {
    log(`pip install --require-hashes --requirement ${file}`);
    const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    await execute(join(place, "bin", "python"), [...words, "--require-hashes", "--requirement", join(root, file)], {
      ...{ timeout: PIP_MS, signal },
    }).catch((error: { stderr?: string; message: string }) => {
      throw new Error(`pip install --requirement ${file}: ${error.stderr?.trim().slice(-2000) || error.message}`);
    });
  }
}

/** The Python that the image names for Spark, in its place here. */
function interpreterOf({ variables, environments }: Recipe, root: string): { python?: string } {
  const named = variables.PYSPARK_PYTHON;
  const isBuilt = environments.some(({ path }) => named?.startsWith(`${path}/`));
  return named && isBuilt ? { python: join(root, named) } : {};
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
