"""The paper's tables and figures as studies: each measures one claim on a model and a set of pictures."""
