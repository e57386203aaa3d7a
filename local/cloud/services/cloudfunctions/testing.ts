/** For tests: archives of functions. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** An archive of some files by their names, or of those of a folder. */
export async function archiveOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}

export const helloArchive = (): Promise<Buffer> => {
  const folder = join(__dirname, "testdata", "hello");
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]);
  return archiveOf(Object.fromEntries(files) as Record<string, string>);
};
