import childProcess from"node:child_process";import{fileURLToPath}from"node:url";import{readFileSync,statSync}from"node:fs";var StrippedFiles=class{#config;#childProcess;#manifest;constructor(config,childProcess2){this.#config=config,this.#childProcess=
childProcess2}load(path){let entry=(this.#manifest??=readManifest(this.#config.manifest))[path];if(entry){let{size,mtimeMs}=statSync(path);if(size===entry.size&&
Math.floor(mtimeMs)===entry.mtime_ms)try{return{code:readFileSync(entry.code,"utf8"),format:entry.format}}catch{}}return this.#strip(path)}#strip(path){statSync(
path);let[program="",...args]=this.#config.strip,result=this.#childProcess().spawnSync(program,[...args,path],{encoding:"utf8",maxBuffer:256*1024*1024,stdio:["i\
gnore","pipe","pipe"],windowsHide:!0});if(result.error)throw new SyntaxError(`${path}: cannot strip its types: ${program}: ${result.error.message}`);if(result.status!==
0){let reason=result.stderr.trim()||`${program} exited with ${result.signal??`code ${result.status}`}`;throw new SyntaxError(reason.includes(path)?reason:`${path}\
: ${reason}`)}try{let{code,format}=JSON.parse(result.stdout);if(typeof code=="string"&&(format==="module"||format==="commonjs"))return{code,format}}catch{}throw new SyntaxError(
`${path}: cannot strip its types: ${program} printed no {"code", "format"}`)}};function readManifest(path){try{let{files:files2}=JSON.parse(readFileSync(path,"u\
tf8"));return{__proto__:null,...files2}}catch{return{}}}var TYPESCRIPT=/\.[mc]?ts$/;function typescriptPath(url,pathOf){if(!url.startsWith("file:"))return;let end=url.search(/[?#]/),bare=end<0?url:url.slice(0,end);return TYPESCRIPT.
test(bare)?pathOf(bare):void 0}var files,sdk=null;function initialize(data){data.ts&&(files=new StrippedFiles(data.ts,()=>childProcess)),sdk=data.sdk}async function resolve(specifier,context,next){
try{return await next(specifier,context)}catch(error){let missing=error.code==="ERR_MODULE_NOT_FOUND";if(!sdk||!missing||specifier!=="@fulcrum/domain"&&specifier!==
"fulcrum")throw error;return{url:sdk,format:"module",shortCircuit:!0}}}async function load(url,context,next){let path=files&&typescriptPath(url,fileURLToPath);if(!files||
path===void 0)return next(url,context);let{code,format}=files.load(path);return{format,source:format==="module"?code:null,shortCircuit:!0}}export{initialize,load,resolve};
