/**
 * What a Dockerfile asks for, as far as it can be had without a container: files, variables, a program, Python packages.
 * Every instruction that cannot be honoured is refused by its line; nothing is left out in silence.
 */
import { DockerfileParser, type Instruction, type JSONInstruction } from "dockerfile-ast";
import { ModifiableInstruction } from "dockerfile-ast/lib/modifiableInstruction";

export interface Recipe {
  /** Files of the archive and where in the image they go. */
  copies: { from: readonly string[]; to: string }[];
  /** Virtual environments and the requirements that are installed into them, by their places in the image. */
  environments: { path: string; requirements: string[] }[];
  variables: Record<string, string>;
  workingFolder: string;
  /** Arguments of Node, where the program is one. */
  command?: string[];
  /** Lines that concern the container's own system, which this machine's stands for. */
  ofTheSystem: string[];
}

/** Bases whose program this machine has. */
const BASES = /^(docker\.io\/library\/)?(node:(20|22|24)[\w.-]*|debian:1[23][\w.-]*|python:3\.11[\w.-]*)$/;
/** Of the system of a container, which a process of this machine does not have. */
const SYSTEM = [/^apt-get (update|install|clean)\b/, /^rm -rf \/var\/lib\/apt\/lists\/\*$/, /^groupadd /, /^useradd /];
const VENV = /^python3 -m venv (\/\S+)$/;
const PIP = /^(\/\S+)\/bin\/pip install (.+)$/;
/** Options of pip that name what is installed. The others have to be harmless where packages lie elsewhere. */
const REQUIREMENT = /--requirement (\S+)|-r (\S+)/;
const PIP_OPTIONS = /^(--no-cache-dir|--require-hashes|--requirement \S+|-r \S+|\s)+$/;

type Take = (recipe: Recipe, instruction: Instruction, words: string[]) => string | undefined;

const resolved = (recipe: Recipe, path: string) =>
  path.startsWith("/")
    ? path
    : `${recipe.workingFolder.replace(/\/$/, "")}/${path.replace(/^\.\//, "").replace(/^\.$/, "")}`;

const TAKE: Readonly<Record<string, Take>> = {
  FROM: (_, __, [image = "", ...rest]) =>
    BASES.test(image) && rest.length === 0 ? undefined : "expected one FROM of node:22, debian:12 or python:3.11",
  WORKDIR: (recipe, _, [path = ""]) => void (recipe.workingFolder = resolved(recipe, path)),
  COPY: (recipe, _, words) => {
    const [to, ...from] = [...words].reverse();
    if (!to || from.length === 0 || words.some((word) => word.includes("*")))
      return "expected files by name and where they go";
    recipe.copies.push({ from: from.reverse(), to: resolved(recipe, to) });
    return undefined;
  },
  ENV: (recipe, _, words) => {
    if (words.some((word) => !/^\w+=[^$]*$/.test(word))) return "expected NAME=value without $";
    for (const word of words) recipe.variables[word.slice(0, word.indexOf("="))] = word.slice(word.indexOf("=") + 1);
    return undefined;
  },
  RUN: (recipe, instruction) => {
    for (const command of textOf(instruction)
      .split("&&")
      .map((part) => part.trim())) {
      const problem = run(recipe, command);
      if (problem) return problem;
    }
    return undefined;
  },
  CMD: (recipe, instruction) => {
    const words = (instruction as JSONInstruction)
      .getJSONStrings()
      .map((word) => JSON.parse(word.getValue()) as string);
    if (words[0] !== "node" || words.length < 2) return 'expected CMD ["node", "<file>"]';
    recipe.command = words.slice(1);
    return undefined;
  },
  USER: (recipe, instruction) => void recipe.ofTheSystem.push(textOf(instruction, true)),
  EXPOSE: (recipe, instruction) => void recipe.ofTheSystem.push(textOf(instruction, true)),
  LABEL: () => undefined,
};

/** @throws Error with every line that cannot be honoured */
export function readDockerfile(text: string): Recipe {
  const recipe: Recipe = { copies: [], environments: [], variables: {}, workingFolder: "/", ofTheSystem: [] };
  const instructions = DockerfileParser.parse(text).getInstructions();
  const problems = instructions.flatMap((instruction) => {
    const keyword = instruction.getKeyword();
    const words = instruction.getArguments().map((word) => word.getValue());
    const take = TAKE[keyword] ?? (() => `expected one of ${Object.keys(TAKE).join(", ")}`);
    const options = instruction instanceof ModifiableInstruction ? instruction.getFlags() : [];
    const problem = options.length > 0 ? "expected no options" : take(recipe, instruction, words);
    return problem ? [`line ${instruction.getRange().start.line + 1}, ${textOf(instruction, true)}: ${problem}`] : [];
  });
  if (instructions.filter((instruction) => instruction.getKeyword() === "FROM").length !== 1)
    problems.push("expected exactly one FROM");
  if (problems.length > 0) throw new Error(`Dockerfile: cannot be built here:\n  ${problems.join("\n  ")}`);
  return recipe;
}

function run(recipe: Recipe, command: string): string | undefined {
  if (SYSTEM.some((pattern) => pattern.test(command))) {
    recipe.ofTheSystem.push(command);
    return undefined;
  }
  const [, venv] = VENV.exec(command) ?? [];
  if (venv) {
    recipe.environments.push({ path: venv, requirements: [] });
    return undefined;
  }
  const [, path, options = ""] = PIP.exec(command) ?? [];
  const [, long, short] = REQUIREMENT.exec(options) ?? [];
  const environment = recipe.environments.find((known) => known.path === path);
  if (environment && PIP_OPTIONS.test(options) && (long ?? short)) {
    environment.requirements.push((long ?? short)!);
    return undefined;
  }
  return `'${command}' is not run here; expected apt-get, groupadd, useradd, python3 -m venv, or pip of such an environment with a requirements file`;
}

/** The instruction's words without its line breaks. */
function textOf(instruction: Instruction, withKeyword = false): string {
  const content = (instruction.getRawArgumentsContent() ?? "")
    .replaceAll(/\\\s*\n\s*/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  return withKeyword ? `${instruction.getKeyword()} ${content}` : content;
}
