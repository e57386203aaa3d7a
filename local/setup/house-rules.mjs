/** The house's own rules, as far as no published rule says the same. */

/** A reader is told first what a file is for. */
const purposeLine = {
  meta: {
    type: "suggestion",
    schema: [],
    messages: { missing: "A file begins with a comment that says what it is for." },
  },
  create: (context) => ({
    Program(node) {
      const [first] = context.sourceCode.getAllComments().filter(({ type }) => type !== "Shebang");
      const token = context.sourceCode.getFirstToken(node);
      const isDirective = /^\s*(eslint|@ts-|global )/.test(first?.value ?? "");
      if (!first || isDirective || (token && token.range[0] < first.range[0]))
        context.report({ loc: { line: 1, column: 0 }, messageId: "missing" });
    },
  }),
};

/** A resource made inside `apply` is unknown to previews and made anew whenever the value is. */
const noResourceInApply = {
  meta: {
    type: "problem",
    schema: [],
    messages: { inside: "{{name}} is made inside apply: previews cannot show it. Pass the output as an input." },
  },
  create: (context) => ({
    NewExpression(node) {
      const name = context.sourceCode.getText(node.callee);
      if (/^(Error|Map|Set|Date|URL|RegExp|Promise|Array|pulumi\.(asset\.|ResourceError|RunError))/.test(name)) return;
      if (context.sourceCode.getAncestors(node).some(isApplied))
        context.report({ node, messageId: "inside", data: { name } });
    },
  }),
};

const isApplied = (node, at, ancestors) =>
  /Function/.test(node.type) &&
  ancestors[at - 1]?.type === "CallExpression" &&
  ancestors[at - 1].callee.type === "MemberExpression" &&
  ancestors[at - 1].callee.property.name === "apply";

export default { rules: { "purpose-line": purposeLine, "no-resource-in-apply": noResourceInApply } };
