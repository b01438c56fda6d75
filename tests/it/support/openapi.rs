//! Holds requests and answers against GitHub's published description of its API, or rather the slice of it that
//! `.ci/github-openapi` cut. A keyword that this checker does not know fails, so that none is passed over.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The slice.
pub struct Description(Value);

impl Description {
    pub fn of_github() -> Self {
        let text = include_str!("../../fixtures/github/openapi.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// Every operation, as method and path.
    pub fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let of = |(path, methods): (&String, &Value)| {
            let methods: Vec<_> = methods.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map({
                let path = path.clone();
                move |method| (method.to_uppercase(), path.clone())
            })
        };
        paths.flat_map(of).collect()
    }

    /// Whether the operation may give this answer.
    pub fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), String> {
        let responses = &self.operation(method, path)["responses"];
        let response = self.followed(&responses[status.to_string()]);
        if response.is_null() {
            return Err(format!("{method} {path} never answers {status}"));
        }
        let schema = &response["content"]["application/json"]["schema"];
        self.check(schema, body, &format!("{method} {path} {status}"))
    }

    /// Whether the operation takes this request.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<(), String> {
        let operation = self.operation(method, path);
        let parameters = operation["parameters"].as_array().unwrap();
        for (name, value) in query {
            let parameter = parameters
                .iter()
                .map(|parameter| self.followed(parameter))
                .find(|parameter| parameter["in"] == "query" && parameter["name"] == **name)
                .ok_or(format!("{method} {path} takes no {name}"))?;
            let schema = &parameter["schema"];
            let value = match schema["type"].as_str() {
                Some("integer") => value.parse::<i64>().map_err(|e| e.to_string())?.into(),
                _ => Value::from(value.as_str()),
            };
            self.check(schema, &value, name)?;
        }
        match (&operation["requestBody"], body) {
            (Value::Null, Some(_)) => Err(format!("{method} {path} takes no body")),
            (Value::Null, None) => Ok(()),
            (wanted, body) => {
                let schema = &wanted["content"]["application/json"]["schema"];
                self.check(schema, body.unwrap_or(&Value::Null), &format!("{method} {path}"))
            }
        }
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.0["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not in the slice");
        operation
    }

    fn followed<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(address) => {
                let target = self.0.pointer(address.strip_prefix('#').unwrap());
                self.followed(target.unwrap_or_else(|| panic!("{address} is not in the slice")))
            }
            None => node,
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.followed(schema).as_object().ok_or(format!("{at}: no schema"))?;
        if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        for (keyword, rule) in schema {
            match keyword.as_str() {
                "type" if !is_of_type(value, rule.as_str().unwrap()) => {
                    return Err(format!("{at} is not of type {rule}: {value}"));
                }
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    return Err(format!("{at} is not one of {rule}: {value}"));
                }
                "format" => check_format(rule.as_str().unwrap(), value, at)?,
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{n}]"))?;
                    }
                }
                "oneOf" | "anyOf" => {
                    let mut whys = Vec::new();
                    for alternative in rule.as_array().unwrap() {
                        whys.extend(self.check(alternative, value, at).err());
                    }
                    if whys.len() == rule.as_array().unwrap().len() {
                        return Err(whys.join("; or: "));
                    }
                }
                "allOf" => self.check(&self.merged(rule.as_array().unwrap()), value, at)?,
                // Fits, is checked with the fields, or restricts nothing.
                "type"
                | "enum"
                | "required"
                | "properties"
                | "additionalProperties"
                | "nullable"
                | "default"
                | "deprecated"
                | "discriminator" => {}
                unknown => return Err(format!("{at}: this checker does not know {unknown:?}")),
            }
        }
        value.as_object().map_or(Ok(()), |fields| self.check_fields(schema, fields, at))
    }

    /// The parts of `allOf` as one object: each alone would take the others' fields for inventions.
    fn merged(&self, parts: &[Value]) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for part in parts.iter().map(|part| self.followed(part).as_object().unwrap()) {
            for (keyword, rule) in part {
                match keyword.as_str() {
                    "type" => assert_eq!(rule, "object"),
                    "properties" => properties.extend(rule.as_object().unwrap().clone()),
                    "required" => required.extend(rule.as_array().unwrap().clone()),
                    unknown => panic!("this checker does not know {unknown:?} in allOf"),
                }
            }
        }
        json!({ "type": "object", "properties": properties, "required": required })
    }

    fn check_fields(
        &self,
        schema: &Map<String, Value>,
        fields: &Map<String, Value>,
        at: &str,
    ) -> Result<(), String> {
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                return Err(format!("{at} lacks {name}"));
            }
        }
        let Some(properties) = schema.get("properties") else {
            return Ok(());
        };
        for (name, field) in fields {
            match (properties.get(name), schema.get("additionalProperties")) {
                (Some(schema), _) => self.check(schema, field, &format!("{at}.{name}"))?,
                (None, Some(Value::Bool(true))) => {}
                (None, Some(more @ Value::Object(_))) => self.check(more, field, at)?,
                // Stricter than the rules: an invented field helps nobody.
                (None, _) => return Err(format!("{at} has a field of its own: {name}")),
            }
        }
        Ok(())
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        unknown => panic!("this checker does not know the type {unknown}"),
    }
}

fn check_format(format: &str, value: &Value, at: &str) -> Result<(), String> {
    let Some(text) = value.as_str() else {
        return Ok(());
    };
    let fits = match format {
        "uri" => text.contains("://"),
        "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "email" => text.contains('@'),
        unknown => return Err(format!("{at}: this checker does not know the format {unknown}")),
    };
    if fits { Ok(()) } else { Err(format!("{at} is no {format}: {text}")) }
}
