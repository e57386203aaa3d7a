/** A function for tests of bundling: it uses a module of its own and one of Node. */
import { createHash } from "node:crypto";
import { greeting } from "./greeting";

export const startPipeline = (name: string): string => createHash("sha256").update(greeting(name)).digest("hex");
