#!/usr/bin/env node
// Starts the TypeScript of this workspace; the loader is a dependency of the lab, so nothing is compiled beforehand.
import { createRequire } from "node:module";
import { sep } from "node:path";
import { keepOwnLoader } from "../../local/own-loader.cjs";
import { register } from "tsx/cjs/api";

register();
keepOwnLoader((filename) => filename.includes(`${sep}node_modules${sep}`));
const { main } = createRequire(import.meta.url)("../main.ts");
process.exitCode = await main(process.argv.slice(2));
