using System.Reflection;
using System.Reflection.Emit;

namespace XLive.Server.Tests.Architecture;

/// <summary>That `From` names `To`, and where. `Member` is the method or field an instruction names.</summary>
internal sealed record TypeUse(Type From, Type To, string How, MemberInfo? Member = null);

/// <summary>
/// All types that a compiled type names: in its declaration, its members, its attributes and its instructions. What the compiler
/// leaves no trace of is not seen: constants, enum values of another folder folded into numbers, nameof.
/// </summary>
internal static class TypeUses
{
    private const BindingFlags Own =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!)
        .ToDictionary(c => c.Value);

    public static IEnumerable<TypeUse> Of(Type type) => Raw(type)
        .SelectMany(use => Parts(use.To).Select(part => use with { To = part }))
        .Where(use => use.To != type)
        .Distinct();

    /// <summary>The type and all inside it: async bodies, iterators and lambdas are nested types of their own.</summary>
    public static IEnumerable<Type> WithNested(Type type) =>
        type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic).SelectMany(WithNested).Prepend(type);

    private static IEnumerable<TypeUse> Raw(Type type)
    {
        var declaration = new List<TypeUse>();
        void Add(Type? to, string how)
        {
            if (to is not null)
            {
                declaration.Add(new TypeUse(type, to, how));
            }
        }

        void AddAttributes(IEnumerable<CustomAttributeData> attributes, string how)
        {
            foreach (var attribute in attributes)
            {
                Add(attribute.AttributeType, $"attribute on {how}");
                foreach (var value in attribute.ConstructorArguments.Concat(attribute.NamedArguments.Select(n => n.TypedValue)).SelectMany(Values))
                {
                    Add(value, $"argument of an attribute on {how}");
                }
            }
        }

        Add(type.BaseType, "base type");
        foreach (var face in type.GetInterfaces())
        {
            Add(face, "interface");
        }

        foreach (var constraint in type.GetGenericArguments().Where(a => a.IsGenericParameter).SelectMany(a => a.GetGenericParameterConstraints()))
        {
            Add(constraint, "generic constraint");
        }

        AddAttributes(type.GetCustomAttributesData(), "the type");
        foreach (var field in type.GetFields(Own))
        {
            Add(field.FieldType, $"field {field.Name}");
            AddAttributes(field.GetCustomAttributesData(), $"field {field.Name}");
        }

        foreach (var property in type.GetProperties(Own))
        {
            Add(property.PropertyType, $"property {property.Name}");
            AddAttributes(property.GetCustomAttributesData(), $"property {property.Name}");
        }

        foreach (var happening in type.GetEvents(Own))
        {
            Add(happening.EventHandlerType, $"event {happening.Name}");
            AddAttributes(happening.GetCustomAttributesData(), $"event {happening.Name}");
        }

        foreach (var method in type.GetMembers(Own).OfType<MethodBase>())
        {
            AddAttributes(method.GetCustomAttributesData(), method.Name);
            foreach (var parameter in method.GetParameters())
            {
                Add(parameter.ParameterType, $"parameter of {method.Name}");
                AddAttributes(parameter.GetCustomAttributesData(), $"a parameter of {method.Name}");
            }

            if (method is MethodInfo { } function)
            {
                Add(function.ReturnType, $"result of {method.Name}");
                AddAttributes(function.ReturnParameter.GetCustomAttributesData(), $"the result of {method.Name}");
                foreach (var constraint in function.GetGenericArguments().SelectMany(a => a.GetGenericParameterConstraints()))
                {
                    Add(constraint, $"generic constraint of {method.Name}");
                }
            }

            if (method.GetMethodBody() is { } body)
            {
                foreach (var local in body.LocalVariables)
                {
                    Add(local.LocalType, $"local in {method.Name}");
                }

                foreach (var handler in body.ExceptionHandlingClauses.Where(c => c.Flags == ExceptionHandlingClauseOptions.Clause))
                {
                    Add(handler.CatchType, $"catch in {method.Name}");
                }

                declaration.AddRange(Instructions(type, method, body.GetILAsByteArray()!));
            }
        }

        return declaration;
    }

    private static IEnumerable<TypeUse> Instructions(Type type, MethodBase method, byte[] code)
    {
        var typeArguments = type.IsGenericType ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        var how = $"body of {method.Name}";
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xfe ? unchecked((short)(0xfe00 | code[at + 1])) : code[at];
            var instruction = OpCodesByValue[value];
            at += instruction.Size;
            switch (instruction.OperandType)
            {
                case OperandType.InlineType or OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok:
                    var member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
                    foreach (var named in Named(member))
                    {
                        yield return new TypeUse(type, named, how, member);
                    }

                    at += 4;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + (4 * BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    at += 1;
                    break;
                case OperandType.InlineVar:
                    at += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    at += 8;
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static IEnumerable<Type> Named(MemberInfo member) => member switch
    {
        Type type => [type],
        MethodInfo method => method.GetGenericArguments().Append(method.ReturnType).Concat(Declaring(method)),
        _ => Declaring(member),
    };

    private static IEnumerable<Type> Declaring(MemberInfo member) => member.DeclaringType is { } type ? [type] : [];

    // What List<Door[]> names: List and Door.
    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.IsFunctionPointer)
        {
            return type.GetFunctionPointerParameterTypes().Append(type.GetFunctionPointerReturnType()).SelectMany(Parts);
        }

        if (type.HasElementType)
        {
            return Parts(type.GetElementType()!);
        }

        if (type.IsGenericParameter)
        {
            return [];
        }

        return type.IsConstructedGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()) : [type];
    }

    private static IEnumerable<Type> Values(CustomAttributeTypedArgument argument) => argument.Value switch
    {
        Type type => [type],
        IEnumerable<CustomAttributeTypedArgument> many => many.SelectMany(Values).Append(argument.ArgumentType),
        _ => [argument.ArgumentType],
    };
}
