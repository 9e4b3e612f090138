// What a customer thinks of the work: /reviews/answer?language=de#key.

import { h } from "./dom.js";
import { askOpinion } from "./opinion.js";
import { say, words } from "./said.js";

const about = ({ tenant_name: tenant, service }) =>
  service === null ? say("page_about", { tenant }) : say("page_about_work", { tenant, service });
const ways = ({ publish_at: href }) => (href ? [h("a", { href }, words.page_publish)] : []);

askOpinion("/review-links", about, ways);
