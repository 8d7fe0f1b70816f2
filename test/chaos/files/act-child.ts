/** Operations by a program of its own: `node act-child.ts <list of name, folders and plan id>`. Prints why each failed. */
import { type Begun, operations, reasonIn, withProgram } from './operations.ts';

async function answer({ name, folders, planId }: Begun): Promise<unknown> {
  const operation = operations.find((each) => each.name === name)!;
  try {
    return await withProgram(folders, (program) => program.run(operation.act(program, planId)));
  } catch (error) {
    return error;
  }
}

const begun = JSON.parse(process.argv[2] ?? '[]') as Begun[];
const reasons: unknown[] = [];
for (const each of begun) {
  const { code, message } = reasonIn(await answer(each)) ?? {};
  reasons.push({ name: each.name, code, message });
}
process.stdout.write(JSON.stringify(reasons));
