export { createStudy, nextSteps, STUDIES, type StudyOptions } from './create-study.js';
export { CreateError, type CreateErrorCode } from './error.js';
