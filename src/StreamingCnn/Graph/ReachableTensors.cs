using System.Reflection;
using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Graph;

/// <summary>
/// Finds the tensors that an object can compute with: those in its fields, in what these refer to, in what its functions have captured, and
/// in static fields of the types on the way. What a function reads from another type's static fields stays unseen.
/// </summary>
internal static class ReachableTensors
{
    // What a function has captured may hold a whole program.
    private const int MostObjects = 100_000;

    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The tensors, each object once.</summary>
    public static IEnumerable<Tensor> From(params IEnumerable<object> objects)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var types = new HashSet<Type>();
        var waiting = new Queue<object>(objects);
        while (waiting.TryDequeue(out var one) && seen.Count < MostObjects)
        {
            if (!seen.Add(one))
                continue;
            if (one is Tensor tensor)
            {
                yield return tensor;
                continue;
            }

            foreach (var value in Within(one, types))
                waiting.Enqueue(value);
        }
    }

    private static IEnumerable<object> Within(object one, HashSet<Type> types)
    {
        if (one is Array array)
        {
            foreach (var item in array.GetType().GetElementType()!.IsPrimitive ? Array.Empty<object>() : array)
            {
                if (Leads(item))
                    yield return item;
            }
        }

        // A function's target is no field that reflection shows, and a static one has none.
        if (one is Delegate function)
        {
            if (function.Target is { } target)
                yield return target;
            foreach (var value in Statics(function.Method.DeclaringType, types))
                yield return value;
        }

        if (one is Module module)
        {
            foreach (var inner in module.modules())
                yield return inner;
        }

        for (var type = one.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (var field in type.GetFields(Own | BindingFlags.Instance))
            {
                if (!field.FieldType.IsPointer && field.GetValue(one) is { } value && Leads(value))
                    yield return value;
            }

            foreach (var value in Statics(type, types))
                yield return value;
        }
    }

    /// <summary>Values of static fields, of a type and of those that it stands in.</summary>
    private static IEnumerable<object> Statics(Type? type, HashSet<Type> types)
    {
        for (; type is not null && types.Add(type) && !type.ContainsGenericParameters && !IsOfLibrary(type); type = type.DeclaringType)
        {
            foreach (var field in type.GetFields(Own | BindingFlags.Static))
            {
                if (!field.IsLiteral && !field.FieldType.IsPointer && Value(field) is { } value && Leads(value))
                    yield return value;
            }
        }

        static object? Value(FieldInfo field)
        {
            // Looking at a field may be what initialises its type: the tensors that it makes then are not this call's.
            using var scope = NewDisposeScope();
            try
            {
                var value = field.GetValue(null);
                scope.Detach([.. scope.DisposablesView]);
                return value;
            }
            catch (TypeInitializationException)
            {
                return null;
            }
        }
    }

    private static bool IsOfLibrary(Type type) =>
        type.Assembly == typeof(Tensor).Assembly
        || type.Assembly == typeof(ReachableTensors).Assembly
        || type.Assembly.GetName().Name is { } name && (name.StartsWith("System.", StringComparison.Ordinal) || name == "mscorlib");

    /// <summary>Whether a value may refer to others.</summary>
    private static bool Leads(object? value) => value switch
    {
        null or string or MemberInfo or Assembly or System.Reflection.Module or Thread or Pointer => false,
        _ => !value.GetType().IsPrimitive && !value.GetType().IsEnum,
    };
}
