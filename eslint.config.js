import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { importDirection, lazyCommands, optionsInErrors } from './scripts/lint-house.js'

export default defineConfig(
  globalIgnores(['api/', 'dist/', 'coverage/', 'runs/', '**/*.as.ts', 'test/package/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // An index that the code has just proven good reads better with `!` than with a check that cannot fail.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Numbers in messages are the rule here, not a slip.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Walking a string by code points is meant wherever it is done.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    // Declarations describe what others wrote.
    files: ['**/*.d.ts'],
    rules: { '@typescript-eslint/no-extraneous-class': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    plugins: {
      house: {
        rules: {
          'import-direction': importDirection,
          'lazy-commands': lazyCommands,
          'options-in-errors': optionsInErrors,
        },
      },
    },
    rules: {
      // A function that must be longer says above it why, and turns the rule off there.
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
      'house/import-direction': 'error',
      'house/lazy-commands': 'error',
      'house/options-in-errors': 'error',
    },
  },
  {
    files: ['src/commands/**/*.ts', 'src/cli.ts'],
    ignores: ['src/commands/output.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='write'][callee.object.property.name=/^std(out|err)$/]",
          message: 'Names and texts may hold what steers a terminal: use tell() and write().',
        },
      ],
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' } },
  },
)
