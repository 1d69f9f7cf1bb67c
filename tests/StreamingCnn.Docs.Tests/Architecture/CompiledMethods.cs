using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>A method of an assembly.</summary>
/// <param name="Outermost">The outermost type that it stands in.</param>
/// <param name="Name">Its type, its name, and the types of its parameters.</param>
internal sealed record CompiledMethod(string Outermost, string Name);

/// <summary>A call of a method.</summary>
/// <param name="Name">The method's type, its name, and the types of its parameters.</param>
/// <param name="IsStored">Whether what it gives goes into a variable or a field at once.</param>
internal sealed record MethodCall(string Name, bool IsStored);

/// <summary>The methods of an assembly and whom each of them calls.</summary>
internal sealed class CompiledMethods : IDisposable
{
    private readonly PEReader file;
    private readonly MetadataReader metadata;

    /// <summary>Reads an assembly.</summary>
    public CompiledMethods(string path)
    {
        file = new PEReader(File.OpenRead(path));
        metadata = file.GetMetadataReader();
        All = [.. metadata.MethodDefinitions.Select(handle => (Describe(handle), Calls(metadata.GetMethodDefinition(handle))))];
    }

    /// <summary>All methods.</summary>
    public IReadOnlyList<(CompiledMethod Method, IReadOnlyList<MethodCall> Calls)> All { get; }

    public void Dispose() => file.Dispose();

    private CompiledMethod Describe(MethodDefinitionHandle handle)
    {
        var type = metadata.GetMethodDefinition(handle).GetDeclaringType();
        while (metadata.GetTypeDefinition(type).GetDeclaringType() is { IsNil: false } outer)
            type = outer;
        return new(TypeName(type), NameOf(handle));
    }

    private MethodCall[] Calls(MethodDefinition method)
    {
        if (method.RelativeVirtualAddress == 0)
            return [];
        var instructions = MethodInstructions.Of(file.GetMethodBody(method.RelativeVirtualAddress));
        return
        [
            .. instructions.Index()
                .Where(each =>
                    each.Item.Mentioned.Kind is HandleKind.MethodDefinition or HandleKind.MemberReference or HandleKind.MethodSpecification)
                .Select(each => new MethodCall(
                    NameOf(each.Item.Mentioned),
                    each.Index + 1 < instructions.Count
                        && instructions[each.Index + 1].Code.Name!.StartsWith("st", StringComparison.Ordinal))),
        ];
    }

    private string NameOf(EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var definition = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                return Name(definition.GetDeclaringType(), definition.Name, definition.DecodeSignature(TypeNames.Only, null));
            case HandleKind.MemberReference:
                var member = metadata.GetMemberReference((MemberReferenceHandle)handle);
                return member.GetKind() == MemberReferenceKind.Method
                    ? Name(member.Parent, member.Name, member.DecodeMethodSignature(TypeNames.Only, null))
                    : "";
            default:
                return NameOf(metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Method);
        }
    }

    private string Name(EntityHandle type, StringHandle name, MethodSignature<string> signature) =>
        $"{TypeName(type)}.{metadata.GetString(name)}({string.Join(", ", signature.ParameterTypes)})";

    private string TypeName(EntityHandle handle) => handle.Kind switch
    {
        HandleKind.TypeDefinition => metadata.GetString(metadata.GetTypeDefinition((TypeDefinitionHandle)handle).Name),
        HandleKind.TypeReference => metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)handle).Name),
        _ => "",
    };

    /// <summary>Types in signatures by their names alone.</summary>
    private sealed class TypeNames : ISignatureTypeProvider<string, object?>
    {
        public static readonly TypeNames Only = new();

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{shape.Rank}]";

        public string GetByReferenceType(string elementType) => $"{elementType}&";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "function";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) =>
            $"{genericType}<{string.Join(", ", typeArguments)}>";

        public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";

        public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

        public string GetPinnedType(string elementType) => elementType;

        public string GetPointerType(string elementType) => $"{elementType}*";

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSZArrayType(string elementType) => $"{elementType}[]";
    }
}
