import type { Document } from '../document.js'
import { isList, isObject, jsonList, nameOf, without, type Json, type JsonObject } from '../json.js'
import type { Lose } from '../losses.js'
import { unitOfQuotations } from '../offsets.js'
import { badRow, quotationsIn } from '../ranges.js'
import { readRecords, type RecordCorpus, type RowContext } from './records.js'
import type { ReadOptions, Source } from '../source.js'
import { recordOf } from './to-record.js'

/*
 * Label Studio's JSON export: a list of tasks, each with `data` and the `annotations` (before 1.0 `completions`) of one
 * or more people; and JSON-MIN, an object for each annotation (labelstud.io/guide/task_format). Early versions count
 * UTF-16 units and later ones code points (github.com/HumanSignal/label-studio, pull request 1559); regions quote their
 * words, which shows which it is.
 */

export const isLabelStudio = (row: Json): boolean => isObject(row) && (isObject(row['data']) || isMinimal(row))

const isMinimal = (row: JsonObject) => regionsKey(row) !== undefined

/** The key that JSON-MIN has its regions under: the name of the control in the project's interface. */
const regionsKey = (row: JsonObject): string | undefined =>
  Object.keys(row).find((key) => {
    const list = row[key]
    return isList(list) && list.some((region) => isObject(region) && isList(region['labels']))
  }) ?? ('annotation_id' in row && isList(row['label']) ? 'label' : undefined)

/** Reads Label Studio's export. Throws `data/bad-row` or `data/bad-offset`, with file and item. */
export const readLabelStudio = (source: Source, options: ReadOptions = {}): RecordCorpus =>
  readRecords(source, options, recordsOfTask)

function recordsOfTask(task: Json, context: RowContext): readonly JsonObject[] {
  const { where, lose, decline } = context
  if (!isObject(task)) throw badRow('The task is not a JSON object.', where, 'Export as JSON from Label Studio.')
  if (!isObject(task['data'])) return [recordOfMinimal(task, context)]
  const { id: taskId, data, annotations, completions, predictions, ...management } = task
  const { id = taskId, ...fields } = data
  const key = textKey(fields, where)
  const shared = { ...without(fields, [key]), ...(id !== undefined && { id }), text: fields[key] }
  if (isList(predictions) && predictions.length > 0) lose('predictions', where)
  loseFilled('tasks', management, where, lose)
  const done = [...annotationsIn(annotations, where), ...annotationsIn(completions, where)]
  if (done.length === 0) return [shared]
  const kept = done.filter((annotation) => annotation['was_cancelled'] !== true && annotation['skipped'] !== true)
  for (let skipped = done.length - kept.length; skipped > 0; skipped--) decline('The annotator skipped the task.')
  return kept.map((annotation) => {
    const { result, completed_by: person, ...rest } = annotation
    loseFilled('annotations', without(rest, ['id', 'was_cancelled', 'ground_truth', 'task']), where, lose)
    if (!isList(result)) throw noAnnotation('An annotation has no “result”.', where)
    return recordOfRegions(shared, result, annotatorOf(person), context)
  })
}

function annotationsIn(field: Json | undefined, where: string): readonly JsonObject[] {
  const list = field ?? []
  if (isList(list) && list.every(isObject)) return list
  throw noAnnotation('The task’s annotations are no list of objects.', where)
}

const noAnnotation = (what: string, where: string) =>
  badRow(what, where, 'Export with annotations from Label Studio: each has the list of its regions as “result”.')

/** What Label Studio keeps for itself, as one loss: dates, counts, the project. */
function loseFilled(of: string, object: JsonObject, where: string, lose: Lose): void {
  const isFilled = (value: Json | undefined) =>
    value !== null && value !== 0 && value !== false && value !== '' && (isList(value) ? value.length > 0 : true)
  const keys = Object.keys(object).filter((key) => {
    const value = object[key]
    return isFilled(value) && !(isObject(value) && Object.keys(value).length === 0)
  })
  if (keys.length > 0) lose(`of ${of}: ${keys.join(', ')}`, where)
}

/** Which of a task's data is the text that was labelled. */
function textKey(data: JsonObject, where: string): string {
  const strings = Object.keys(data).filter((key) => typeof data[key] === 'string')
  const key = strings.includes('text') ? 'text' : strings.length === 1 ? strings[0] : undefined
  if (key !== undefined) return key
  throw badRow(
    strings.length === 0 ? 'The task’s data has no text.' : `The task’s data has several texts: ${strings.join(', ')}.`,
    where,
    'Name the one that was labelled “text”.',
  )
}

const annotatorOf = (person: Json | undefined): string | undefined =>
  isObject(person) ? nameOf(person['email'] ?? person['username'] ?? person['id']) : nameOf(person)

function recordOfMinimal(row: JsonObject, context: RowContext): JsonObject {
  const key = regionsKey(row)
  const { annotator, ...fields } = without(row, [
    ...(key === undefined ? [] : [key]),
    'annotation_id',
    'created_at',
    'updated_at',
    'lead_time',
  ])
  const regions = (key === undefined ? [] : (row[key] as readonly Json[])).map((value) => ({ type: 'labels', value }))
  return recordOfRegions(fields, regions, annotatorOf(annotator), context)
}

function recordOfRegions(
  shared: JsonObject,
  regions: readonly Json[],
  annotator: string | undefined,
  { where, lose }: RowContext,
): JsonObject {
  const spans = regions.flatMap((region) => {
    if (isObject(region)) return spansOfRegion(region, where, lose)
    throw noAnnotation(`A region is no object: ${JSON.stringify(region)}.`, where)
  })
  const quotations = quotationsIn(spans)
  const { text, offset_unit: given } = shared
  const unit = given ?? (typeof text === 'string' && quotations.length > 0 ? unitOfQuotations(text, quotations) : null)
  return {
    ...shared,
    spans,
    ...(annotator !== undefined && { annotator }),
    ...(unit && { offset_unit: unit }),
  }
}

/** A region has one span for each of its labels; what else is said of a stretch (`choices`, `rating`) is no label. */
function spansOfRegion(region: JsonObject, where: string, lose: Lose): JsonObject[] {
  const { type, value, score } = region
  const isLabelled = typeof type === 'string' && type.endsWith('labels') && isObject(value) && 'start' in value
  const labels = isLabelled ? (value[type] ?? value['labels'] ?? null) : null
  if (!isLabelled || labels === null) {
    lose(`regions of type ${JSON.stringify(type)}`, where)
    return []
  }
  if (!isList(labels)) {
    throw badRow(`The labels of a region are no list: ${JSON.stringify(labels)}.`, where, 'Write "labels": ["PER"].')
  }
  if (typeof value['start'] === 'string') {
    throw badRow(
      'The text was labelled as HTML: a region’s start is a path, not a number.',
      where,
      'Label it with <Text>, not <HyperText>.',
    )
  }
  const { start, end, text } = value
  return labels.map((label) => ({ start, end, text, label, ...(score !== undefined && { score }) }))
}

/** Documents as tasks with annotations, which Label Studio imports: a JSON list, one task a string. */
export function* formatLabelStudio(
  documents: Iterable<Document>,
  { layer, lose }: { readonly layer: string; readonly lose: Lose },
): Generator<string> {
  const tasks = new Map<string, { data: object; annotations: object[] }>()
  for (const document of documents) {
    const { id, text, annotator, spans, offset_unit, fields, ...lost } = recordOf(document, { layer })
    for (const key of Object.keys(lost)) lose(`“${key}”`, id)
    const data = { id, text, offset_unit, ...fields }
    // Copies by several people are one task; where a field differs it would be lost.
    const key = JSON.stringify(data)
    const task = tasks.get(key) ?? { data, annotations: [] }
    tasks.set(key, task)
    if (!spans) continue
    const person =
      annotator === undefined
        ? undefined
        : /^(0|[1-9]\d{0,8})$/.test(annotator)
          ? Number(annotator)
          : { email: annotator }
    task.annotations.push({
      ...(person !== undefined && { completed_by: person }),
      result: spans.map(({ start, end, label, score }, i) => ({
        id: `${task.annotations.length + 1}-${i + 1}`,
        from_name: 'label',
        to_name: 'text',
        type: 'labels',
        value: { start, end, text: [...text].slice(start, end).join(''), labels: [label] },
        ...(score !== undefined && { score }),
      })),
    })
  }
  yield* jsonList(tasks.values())
}
