// How content a customer is with what was done for a ticket: /tickets/rate?language=de#key.

import { askOpinion } from "./opinion.js";
import { say } from "./said.js";

const about = ({ tenant_name: tenant, number }) =>
  number === null ? say("page_about", { tenant }) : say("page_about_number", { tenant, number });

askOpinion("/ticket-ratings", about);
