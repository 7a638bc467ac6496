// How the tasks of an array differ: how many there are, which names their templates may use, and the values for one index.
// Nothing is expanded: a task's values are computed from its index, or come from the item that lies in the store.

import { assert } from './errors.ts';
import type { ArraySpec } from './job.ts';

/** How many tasks an array gives. */
export function taskCountOf(array: ArraySpec): number {
  switch (array.kind) {
    case 'single':
      return 1;
    case 'count':
    case 'items':
      return array.count;
    case 'range':
      return Math.max(0, Math.ceil((array.to - array.from) / array.step));
    case 'matrix':
      return array.axes.reduce((product, axis) => product * axis.values.length, 1);
  }
}

/** The names that vary from task to task. `index` is always known: a single task has index 0. */
export function arrayNames(array: ArraySpec): readonly string[] {
  switch (array.kind) {
    case 'single':
    case 'count':
      return ['index'];
    case 'range':
      return ['index', 'start', 'end'];
    case 'matrix':
      return ['index', ...array.axes.map((axis) => `item.${axis.name}`)];
    case 'items':
      return ['index', ...(array.fields.length === 0 ? ['item'] : array.fields.map((field) => `item.${field}`))];
  }
}

/**
 * The values of `arrayNames` for one task. `itemValues` is the item as stored, in field order; null for arrays without items.
 * The last axis of a matrix turns fastest, as the innermost of nested loops does. The end of a range is capped at `to`.
 */
export function itemOf(
  array: ArraySpec,
  taskIndex: number,
  itemValues: readonly string[] | null,
): ReadonlyMap<string, string> {
  const values = new Map([['index', String(taskIndex)]]);
  switch (array.kind) {
    case 'single':
    case 'count':
      break;
    case 'range': {
      const start = array.from + taskIndex * array.step;
      values.set('start', String(start));
      values.set('end', String(Math.min(start + array.step, array.to)));
      break;
    }
    case 'matrix': {
      let rest = taskIndex;
      for (const axis of array.axes.toReversed()) {
        values.set(`item.${axis.name}`, axis.values[rest % axis.values.length] as string);
        rest = Math.floor(rest / axis.values.length);
      }
      break;
    }
    case 'items': {
      const width = Math.max(1, array.fields.length);
      assert(itemValues?.length === width, `item ${taskIndex} has ${itemValues?.length ?? 'no'} values, not ${width}`);
      if (array.fields.length === 0) values.set('item', itemValues[0] as string);
      array.fields.forEach((field, position) => {
        values.set(`item.${field}`, itemValues[position] as string);
      });
    }
  }
  return values;
}
