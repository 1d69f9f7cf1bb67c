using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>
/// The types that a type mentions: base type, interfaces, fields, signatures, local variables, and every instruction of its methods.
/// </summary>
internal sealed class TypeUses(MetadataReader metadata, PEReader file)
{
    private readonly HashSet<EntityHandle> uses = [];
    private readonly HashSet<EntityHandle> seen = [];

    /// <summary>Definitions of this assembly and references into others.</summary>
    public IReadOnlySet<EntityHandle> Of(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        var collector = new Collector(this);
        Add(type.BaseType);
        foreach (var implementation in type.GetInterfaceImplementations())
            Add(metadata.GetInterfaceImplementation(implementation).Interface);
        foreach (var parameter in type.GetGenericParameters())
            AddConstraints(parameter);
        foreach (var field in type.GetFields())
            metadata.GetFieldDefinition(field).DecodeSignature(collector, null);
        foreach (var method in type.GetMethods().Select(metadata.GetMethodDefinition))
        {
            method.DecodeSignature(collector, null);
            foreach (var parameter in method.GetGenericParameters())
                AddConstraints(parameter);
            if (method.RelativeVirtualAddress != 0)
                AddBody(file.GetMethodBody(method.RelativeVirtualAddress), collector);
        }

        return uses;
    }

    private void AddConstraints(GenericParameterHandle parameter)
    {
        foreach (var constraint in metadata.GetGenericParameter(parameter).GetConstraints())
            Add(metadata.GetGenericParameterConstraint(constraint).Type);
    }

    private void AddBody(MethodBodyBlock body, Collector collector)
    {
        if (!body.LocalSignature.IsNil)
            metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(collector, null);
        foreach (var region in body.ExceptionRegions)
            Add(region.CatchType);
        foreach (var (_, mentioned) in MethodInstructions.Of(body))
            Add(mentioned);
    }

    private void Add(EntityHandle handle)
    {
        if (handle.IsNil || !seen.Add(handle))
            return;
        var collector = new Collector(this);
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference:
                uses.Add(handle);
                // A nested type of another assembly is found through the type around it.
                if (handle.Kind == HandleKind.TypeReference
                    && metadata.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope is { Kind: HandleKind.TypeReference } outer)
                    Add((TypeReferenceHandle)outer);
                break;
            case HandleKind.TypeSpecification:
                metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(collector, null);
                break;
            case HandleKind.MethodDefinition:
                Add(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Add(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                var method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Add(method.Method);
                method.DecodeSignature(collector, null);
                break;
            case HandleKind.MemberReference:
                var member = metadata.GetMemberReference((MemberReferenceHandle)handle);
                Add(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Field)
                    member.DecodeFieldSignature(collector, null);
                else
                    member.DecodeMethodSignature(collector, null);
                break;
        }
    }

    /// <summary>Walks signatures; what it returns is of no use to anybody.</summary>
    private sealed class Collector(TypeUses uses) : ISignatureTypeProvider<bool, object?>
    {
        public bool GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Add(handle);

        public bool GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Add(handle);

        public bool GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) => Add(handle);

        public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => true;

        public bool GetArrayType(bool elementType, ArrayShape shape) => true;

        public bool GetByReferenceType(bool elementType) => true;

        public bool GetFunctionPointerType(MethodSignature<bool> signature) => true;

        public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) => true;

        public bool GetGenericMethodParameter(object? genericContext, int index) => true;

        public bool GetGenericTypeParameter(object? genericContext, int index) => true;

        public bool GetPinnedType(bool elementType) => true;

        public bool GetPointerType(bool elementType) => true;

        public bool GetPrimitiveType(PrimitiveTypeCode typeCode) => true;

        public bool GetSZArrayType(bool elementType) => true;

        private bool Add(EntityHandle handle)
        {
            uses.Add(handle);
            return true;
        }
    }
}
