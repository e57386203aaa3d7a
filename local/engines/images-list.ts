/**
 * Images that this lab has built. Building one here means to bundle its program into a folder; the image's name then
 * stands for that folder and for the command that starts it.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import type { ServerImage } from "./interface";

const imagesSchema = z.record(
  z.string(),
  z.object({ folder: z.string().min(1), command: z.array(z.string().min(1)).min(1) }),
);

const imagesFile = (cloudFolder: string) => join(cloudFolder, "images.json");

export function readImages(cloudFolder: string): Readonly<Record<string, ServerImage>> {
  const file = imagesFile(cloudFolder);
  if (!existsSync(file)) return {};
  const parsed = imagesSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`images ${file}: ${problems.join("; ")}; remove the file and build the images again`);
}

/**
 * Makes an image known, as a push to a registry would.
 * @param reference name as services give it, with tag or digest
 */
export async function registerImage(cloudFolder: string, reference: string, image: ServerImage): Promise<void> {
  await mkdir(cloudFolder, { recursive: true, mode: 0o700 });
  const images = { ...readImages(cloudFolder), [reference]: image };
  await writeFileAtomic(imagesFile(cloudFolder), `${JSON.stringify(images, null, 2)}\n`, { mode: 0o600 });
}
